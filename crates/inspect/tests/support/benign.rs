//! Ten thousand honest requests, from a seed: what APIs of functions are sent on a working day.

/// Draws from a seed; the same seed draws the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    pub(crate) fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    fn uuid(&mut self) -> String {
        let hex = b"0123456789abcdef";
        format!(
            "{}-{}-4{}-a{}-{}",
            self.letters(hex, 8),
            self.letters(hex, 4),
            self.letters(hex, 3),
            self.letters(hex, 3),
            self.letters(hex, 12)
        )
    }

    fn base64(&mut self, count: usize) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let head = self.pick(&[
            "iVBORw0KGgoAAAANSUhEUgAA",
            "/9j/4AAQSkZJRgABAQAAAQABAAD",
            "JVBERi0xLjcKJeLjz9MK",
            "UEsDBBQAAAAIA",
            "R0lGODlhAQABAIAAAP",
        ]);
        format!("{head}{}==", self.letters(alphabet, count))
    }
}

/// An honest request.
pub(crate) struct Benign {
    pub(crate) kind: &'static str,
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

const GIVEN: [&str; 28] = [
    "Aoife",
    "Seán",
    "Jean-Luc",
    "María José",
    "Zoë",
    "Björn",
    "Łukasz",
    "Nguyễn",
    "Fatima",
    "Ngozi",
    "Chidi",
    "Дмитрий",
    "Елена",
    "美咲",
    "伟",
    "지훈",
    "Αλέξανδρος",
    "יעל",
    "محمد",
    "Priya",
    "Rohan",
    "İpek",
    "Anna-Lena",
    "Drop",
    "Null",
    "Test",
    "Grant",
    "Dot",
];
const FAMILY: [&str; 26] = [
    "O'Brien",
    "O’Neill",
    "D'Angelo",
    "N'Diaye",
    "M'Bala",
    "Mac an tSaoir",
    "van 't Hoff",
    "de la Cruz",
    "O'Connor-Smith",
    "Müller",
    "Åström",
    "Null",
    "Union",
    "Select",
    "Insert",
    "Table",
    "Order",
    "True",
    "Иванова",
    "Петров",
    "佐藤",
    "王",
    "김",
    "Παπαδόπουλος",
    "كريم",
    "Root",
];
const STREETS: [&str; 14] = [
    "12 Union Street",
    "4 St. John's Road #3",
    "Rue de l'Église 9",
    "C/ d'en Roig, 7",
    "Kärntner Straße 14/2/8",
    "P.O. Box 11; Unit B",
    "1 O'Connell St. (rear)",
    "King's Cross 5 & 7",
    "Via dell'Università, 22",
    "東京都千代田区1-2-3",
    "ул. Ленина, д. 5, кв. 12",
    "Çankaya Cd. No:4/A",
    "Apt. 7--east wing",
    "Select Business Park, Drive 2",
];
/// Prose in ten languages, of our own making; each sentence has something a careless rule would take for code.
const PROSE: [&str; 70] = [
    "It's a select union of members; they'd rather drop the table by the window and order by phone.",
    "\"Do you want this or that?\" she asked -- and he said: 'Both, 1 or 2 of each.'",
    "Please update the set of keys, delete from my cart what's sold out, and insert the coin where it says so.",
    "If I'm not mistaken, the price is 10 and up (or 12 if not in stock); isn't that 20% more?",
    "We waited for an hour; then, like everyone else, we cat-napped... who doesn't?",
    "Rock 'n' roll isn't dead! See you at 5 o'clock & bring Pat's records; ring #12.",
    "The script was great, but the body of the second act (the onload, so to speak) dragged: 7/10.",
    "Between 5 and 7 I can call. Having two kids where one naps = no sleep (10 minutes at most).",
    "L'été dernier, j'ai vu l'homme qui n'était pas d'ici; c'est l'un ou l'autre, n'est-ce pas ?",
    "D'accord : on se retrouve à l'entrée, s'il n'y a pas d'imprévu -- sinon, j'appelle.",
    "« Qu'est-ce que c'est ? » demanda-t-il ; l'autre haussa les épaules (comme d'habitude).",
    "Le prix d'origine était de 12,50 € ; aujourd'hui, c'est 9 € = une bonne affaire !",
    "J'ai commandé l'article n° 4 ; l'emballage n'était pas abîmé, merci d'avance.",
    "Aujourd'hui, l'équipe n'a ni gagné ni perdu : 1-1, c'est l'essentiel.",
    "„Geht's noch?“, fragte er; 's war spät, und/oder dunkel -- also gingen wir.",
    "Das ist's: 3 von 5 Sternen, weil die Auswahl (select!) zu klein war; sonst gut.",
    "Wenn nicht jetzt, wann dann? Gib's zu: 1 = 1, oder etwa nicht?",
    "Wie geht's dir? Hab' dein Paket (Nr. #4711) erhalten & freu' mich.",
    "Die Tür war auf; wir gingen hinein und/oder wieder hinaus ... 'ne gute Frage!",
    "Bitte löschen Sie meinen Eintrag aus der Tabelle; danke -- Gruß, H.-P.",
    "¿Qué tal? Dijo: 'no es así' y se fue; o eso creo (1 o 2 veces).",
    "El niño comió más; ¡qué barbaridad! -- El precio: 10 € o menos, según la tabla.",
    "La unión hace la fuerza; selecciona uno, o dos, o tres = seis.",
    "«No sé», dijo ella; 'quizás mañana', contestó él (como siempre).",
    "Pedido nº 33: falta el art. 4/b; envíen otro, por favor & gracias.",
    "¿Cuándo abre la tienda? Entre las 9 y las 13, salvo los domingos.",
    "L'anno scorso c'era un'unione d'intenti; quest'anno, no: com'è possibile?",
    "Dov'è l'uscita? -- chiese. 'Di là', rispose l'altro, o forse no.",
    "Un po' di zucchero, mezz'ora di cottura; dell'acqua & sale q.b.",
    "Nell'ordine n. 7 mancava l'articolo 3; c'è un modo per averlo?",
    "Non c'è due senza tre: 1 o 2, ma 3 = perfetto!",
    "Dall'alto si vede tutto; sull'isola, invece, niente -- peccato.",
    "Não há dúvida: d'Ávila ganhou; ou seja, 2 = 2, 'tá bom?",
    "O pedido n.º 12 não chegou; selecione outra opção, ou cancele.",
    "Copo d'água, pau-d'arco & pé-de-moleque: três coisas boas -- e baratas.",
    "Entre 10 e 12 estou em casa; se não, deixe com o vizinho (ap. 3/4).",
    "“Já volto”, disse ele; e não voltou... ou voltou?",
    "A união faz a força; união europeia, idem.",
    "Co to jest? -- zapytał. 'Nic', odparła; albo i coś więcej (1 z 2).",
    "Zamówienie nr 5: brak poz. 3; proszę o kontakt między 8 a 16.",
    "„To nie tak”, rzekł; wybierz jedno lub drugie, i tyle.",
    "Cena: 10 zł = ok; usuń z koszyka resztę & dziękuję!",
    "Gdzie jest wyjście? Tam, gdzie zawsze; nie ma za co.",
    "Unia to nie tabela; a tabela to nie unia -- proste.",
    "Что это? -- спросил он; 'ничего', ответила она (или нет).",
    "Заказ № 7: нет поз. 3; удалите из корзины и/или замените.",
    "«Не так», сказал он; выбери одно или другое = и всё.",
    "Цена: 100 ₽ & доставка; между 9 и 18, кроме вс.",
    "Где выход? Там, где вход; спасибо -- до свидания!",
    "Объединение -- сила; 1 или 2, но не 3.",
    "これは何ですか？「選択」または「更新」；1 か 2 です -- たぶん。",
    "注文番号#7：商品3が無い；10時から12時の間に電話を。",
    "彼は言った：'違う'；そして出て行った（または残った）。",
    "価格は1,000円 = 安い！＆送料無料。",
    "出口はどこ？そこです；ありがとう -- さようなら。",
    "テーブルの上に本 or 雑誌；どちらでも。",
    "这是什么？“选择”或“更新”；1 或 2 -- 也许吧。",
    "订单#7：缺少第3项；请在 9 点到 12 点之间致电。",
    "他说：'不是这样'；然后走了（或者没走）。",
    "价格：100 元 = 便宜 & 包邮！",
    "出口在哪儿？在那边；谢谢 -- 再见。",
    "团结就是力量；一 or 二，都行。",
    "ما هذا؟ قال: 'لا شيء'؛ أو ربما (1 أو 2) -- من يدري؟",
    "الطلب رقم #7: ينقص البند 3؛ اتصلوا بين 9 و 12 من فضلكم.",
    "السعر: 10 دولارات = رخيص & التوصيل مجاني!",
    "أين المخرج؟ هناك؛ شكرا -- إلى اللقاء.",
    "\"ليس كذلك\"، قالت؛ واختر هذا أو ذاك.",
    "الاتحاد قوة؛ 1 أو 2، وليس 3.",
    "Thanks -- it's 'perfect'! Can't wait; will order 2 or 3 more, and/or the blue one (if it exists).",
    "My password hint: the dog's name; not 'Rex' or 'Max', though like both = M...x.",
];
/// Program text as people paste it into a content system, a question or a review.
const CODE: [&str; 30] = [
    "def total(items):\n    return sum(i.price for i in items if i.price > 0 or i.free)\n",
    "for name in names:\n    print(f\"hello {name!r}\")  # it's fine\n",
    "const user = users.find(u => u.id === id) || null;\nif (!user) { return res.status(404).end(); }\n",
    "export async function handler(event) {\n  const body = JSON.parse(event.body ?? '{}');\n  return { statusCode: 200, body: `hi ${body.name}` };\n}\n",
    "let sum: u32 = values.iter().filter(|v| **v > 1 && **v < 9).sum();\nprintln!(\"{sum}\");\n",
    "SELECT name, total\nFROM orders\nWHERE total > 100 AND status = 'open'\nORDER BY total DESC\nLIMIT 10",
    "How do I write this better?\n\nSELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE c.country IN ('DE', 'FR')",
    "UPDATE products SET price = price * 1.1 WHERE category = 'books';\n",
    "body { margin: 0; font: 16px/1.5 'Inter', sans-serif; }\n.card:hover > a { color: #09f; }\n",
    "<p>Dear <b>customers</b>, it&#39;s <em>here</em>: <a href=\"https://example.org/new?x=1&amp;y=2\">look</a>!</p>",
    "<h2>News</h2>\n<ul><li>One &amp; two</li><li>Three</li></ul>\n<img src=\"/img/a.png\" alt=\"it's a cat\">",
    "Resources:\n  Api:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.handler\n      Runtime: python3.12\n",
    "{\"compilerOptions\": {\"strict\": true, \"target\": \"es2022\"}, \"include\": [\"src/**/*.ts\"]}",
    "Run `npm install` first, then `npm run build`; see `package.json`.",
    "## Setup\n\n```sh\ncargo build --release\ncargo test\n```\n\nThen open http://example.org:8080/ -- that's all.",
    "type Query {\n  user(id: ID!): User\n  orders(first: Int = 10, after: String): [Order!]!\n}",
    "if (a == b || c != d) {\n  throw new Error(\"can't happen\");\n}\n",
    "x = 'a' if y else 'b'\nz = x or 'c'\nassert z in ('a', 'b', 'c')\n",
    "match value {\n    Some(x) if x > 0 => x,\n    _ => 0,\n}",
    "public List<Order> open() {\n    return orders.stream().filter(o -> o.total() > 0).toList();\n}",
    "func Add(a, b int) int { return a + b } // don't overflow\n",
    "The regex `^[a-z]+$` matches words; use `\\d{3}-\\d{4}` for phones.",
    "git commit -m \"Fix it's/its\" and then git push origin main",
    "import { useState } from 'react';\nimport { x } from '../lib/x';\n\nexport const App = () => { const [n, setN] = useState(0); return n; };\n",
    "E = mc^2; a < b && b > c; f(x) = (x + 1) / 2; 5 * 3 = 15; x >= 0 or y <= 1",
    "- [x] one\n- [ ] two -- it's not done\n\n> quoted 'text'\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "try:\n    value = int(text)\nexcept ValueError as error:\n    value = None  # \"not a number\"\n",
    "$(document).ready(function () {\n  $('#menu').toggle();\n});\n",
    "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci --omit=dev\nCMD [\"node\", \"server.js\"]\n",
    "Use fmt.Printf(\"%d\\n\", n) or console.log(n) -- whichever your language has.",
];
/// What lands in such a field when people write about operating servers: real work, yet close to attacks.
const OPERATIONS: [&str; 10] = [
    "To see who is logged in, open a terminal and type who; the list of processes is in top.",
    "Step 2: ssh into the box, then restart nginx. It's under services; ask Pat if it fails.",
    "Our policy: never store .env files in git; use the vault and rotate keys.",
    "The login form said \"You have an error in your SQL syntax near ''\" -- please fix!",
    "Error: ENOENT: no such file or directory, open 'config.json' (line 4; column 2)",
    "Traceback (most recent call last):\n  File \"app.py\", line 3, in handler\n    raise KeyError('id')\nKeyError: 'id'",
    "TypeError: Cannot read properties of undefined (reading 'map') at App (app.js:10:5)",
    "2026-03-01T10:00:00Z INFO request=42 user=o'brien status=200 path=/v1/orders?sort=-total&limit=10",
    "Use LIKE '%abc%' or = 'abc' in the filter box; between 1 and 5 works as well, and not null too.",
    "The ticket says: select * from the menu, union them, then drop it. Funny, isn't it?",
];

const TAGS: [&str; 12] =
    ["new", "sale", "it's", "50%-off", "c++", "c#", "a/b", "r&d", "q+a", "node.js", "x<y", "\"quoted\""];
const SEARCHES: [&str; 20] = [
    "o'brien",
    "rock & roll",
    "c++ or c#",
    "price > 10 and price < 20",
    "\"exact phrase\" -not this",
    "men's shoes 9.5",
    "5' 11\" bed",
    "union jack",
    "select comfort",
    "where to sleep",
    "drop table lamp",
    "l'oréal",
    "title:dune OR author:herbert",
    "50% off",
    "a=b",
    "wine (red | white)",
    "1 or 2 bedrooms",
    "group by date?",
    "insert coin",
    "AT&T; T-Mobile",
];

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn name(dice: &mut Dice) -> String {
    format!("{} {}", dice.pick(&GIVEN), dice.pick(&FAMILY))
}

fn text(dice: &mut Dice) -> String {
    (0..=dice.below(3)).map(|_| dice.pick(&PROSE)).collect::<Vec<_>>().join(dice.pick(&[" ", "\n", "\n\n"]))
}

fn email(dice: &mut Dice) -> String {
    let local = dice.pick(&["ann", "o'brien", "j.p+news", "select", "root", "no-reply", "a_b", "x"]);
    format!("{local}{}@{}", dice.below(900), dice.pick(&["example.org", "mail.example.com", "xn--mller-kva.example"]))
}

/// One of the ten thousand.
pub(crate) fn request(number: usize) -> Benign {
    let dice = &mut Dice::new(number as u64 + 77);
    for _ in 0..3 {
        dice.below(2);
    }
    let mut benign = match dice.below(14) {
        0 | 1 => query(dice),
        2 | 3 => order(dice),
        4 => contact(dice),
        5 | 6 => post(dice),
        7 => upload(dice),
        8 => multipart(dice),
        9 => graphql(dice),
        10 => soap(dice),
        11 => webhook(dice),
        12 => oauth(dice),
        _ => profile(dice),
    };
    let agent = dice.pick(&[
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148",
        "okhttp/4.12.0",
        "python-requests/2.32.3",
        "axios/1.7.9",
    ]);
    let session = format!(
        "session={}.{}.{}; theme=dark; consent=1",
        dice.base64(30).replace(['=', '+', '/'], "x"),
        dice.uuid(),
        dice.below(99)
    );
    for (name, value) in [("Host", "api.example.org"), ("User-Agent", agent), ("Accept", "*/*"), ("Cookie", &session)] {
        benign.headers.push((name.to_owned(), value.to_owned()));
    }
    if !benign.body.is_empty() {
        benign.headers.push(("Content-Length".to_owned(), benign.body.len().to_string()));
    }
    benign
}

fn sent(kind: &'static str, uri: String, media: &str, body: impl Into<Vec<u8>>) -> Benign {
    Benign {
        kind,
        method: "POST",
        uri,
        headers: vec![("Content-Type".to_owned(), media.to_owned())],
        body: body.into(),
    }
}

fn json(kind: &'static str, uri: String, value: &serde_json::Value) -> Benign {
    sent(kind, uri, "application/json", value.to_string())
}

fn query(dice: &mut Dice) -> Benign {
    let search = if dice.below(4) == 0 { dice.pick(&PROSE) } else { dice.pick(&SEARCHES) };
    let uri = format!(
        "/v1/{}?q={}&sort={}&page={}&filter%5Bstatus%5D={}&from=2026-0{}-01T00%3A00%3A00%2B02%3A00&tag={}",
        dice.pick(&["orders", "products", "users/42/reviews", "search"]),
        encode(search),
        dice.pick(&["-total", "name", "created_at:desc", "price+asc"]),
        dice.below(50),
        dice.pick(&["open", "in,progress", "not_null", "a|b"]),
        1 + dice.below(9),
        encode(dice.pick(&TAGS)),
    );
    Benign { kind: "query", method: "GET", uri, headers: Vec::new(), body: Vec::new() }
}

fn order(dice: &mut Dice) -> Benign {
    let items: Vec<_> = (0..=dice.below(5))
        .map(|_| serde_json::json!({"sku": dice.uuid(), "title": dice.pick(&SEARCHES), "count": dice.below(9), "price": format!("{}.{:02}", dice.below(300), dice.below(100))}))
        .collect();
    let value = serde_json::json!({
        "id": dice.uuid(), "customer": {"name": name(dice), "email": email(dice), "address": dice.pick(&STREETS), "phone": "+49 (30) 1234-567"},
        "items": items, "note": dice.pick(&PROSE), "gift": dice.below(2) == 0, "coupon": dice.pick(&["", "SAVE10%", "A&B=C"]), "tags": [dice.pick(&TAGS), dice.pick(&TAGS)],
    });
    json("order", "/v1/orders".to_owned(), &value)
}

fn contact(dice: &mut Dice) -> Benign {
    let body = format!(
        "name={}&email={}&subject={}&message={}&agree=on",
        encode(&name(dice)),
        encode(&email(dice)),
        encode(dice.pick(&SEARCHES)),
        encode(&text(dice))
    );
    sent("contact", "/contact".to_owned(), "application/x-www-form-urlencoded", body)
}

/// A post of a content system: prose round program text.
fn post(dice: &mut Dice) -> Benign {
    let snippet = if dice.below(5) == 0 { dice.pick(&OPERATIONS) } else { dice.pick(&CODE) };
    let content = match dice.below(3) {
        0 => snippet.to_owned(),
        1 => format!("{}\n\n```\n{snippet}```\n\n{}", text(dice), text(dice)),
        _ => format!("{}\n{snippet}", text(dice)),
    };
    if dice.below(3) == 0 {
        let body = format!("title={}&content={}", encode(dice.pick(&SEARCHES)), encode(&content));
        return sent("post", "/cms/posts".to_owned(), "application/x-www-form-urlencoded", body);
    }
    let value = serde_json::json!({"title": dice.pick(&SEARCHES), "author": name(dice), "content": content, "tags": [dice.pick(&TAGS)], "draft": true});
    json("post", "/cms/posts".to_owned(), &value)
}

fn upload(dice: &mut Dice) -> Benign {
    let (length, kind) = (200 + dice.below(3000), dice.pick(&["image/png", "image/jpeg", "application/pdf"]));
    let data = dice.base64(length);
    let content = if dice.below(2) == 0 { data } else { format!("data:{kind};base64,{data}") };
    let value = serde_json::json!({"filename": format!("{}'s scan ({}).pdf", dice.pick(&GIVEN), dice.below(9)), "type": kind, "content": content});
    json("upload", "/v1/files".to_owned(), &value)
}

fn multipart(dice: &mut Dice) -> Benign {
    let boundary = format!("----WebKitFormBoundary{}", dice.letters(b"abcdefXYZ0123", 16));
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\n{}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo {}.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n",
        text(dice).replace('\n', "\r\n"),
        dice.below(99)
    )
    .into_bytes();
    body.extend((0..dice.below(2000)).map(|_| (dice.below(256) as u8).max(14)));
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    sent("multipart", "/v1/photos".to_owned(), &format!("multipart/form-data; boundary={boundary}"), body)
}

fn graphql(dice: &mut Dice) -> Benign {
    let query = dice.pick(&[
        "query Orders($first: Int!, $after: String) { orders(first: $first, after: $after) { edges { node { id total } } pageInfo { hasNextPage } } }",
        "mutation { addNote(input: {text: \"it's done\", on: \"2026-01-01\"}) { note { id } errors { field message } } }",
        "{ user(id: \"42\") { name email ... on Admin { rights } } }",
    ]);
    let value = serde_json::json!({"query": query, "variables": {"first": 10, "after": dice.base64(12), "search": dice.pick(&SEARCHES)}});
    json("graphql", "/graphql".to_owned(), &value)
}

fn soap(dice: &mut Dice) -> Benign {
    let escaped = text(dice).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><order id=\"{}\"><name>{}</name><note>{escaped}</note></order></s:Body></s:Envelope>",
        dice.below(9999),
        name(dice)
    );
    sent("soap", "/soap/orders".to_owned(), "text/xml; charset=utf-8", body)
}

fn webhook(dice: &mut Dice) -> Benign {
    let value = serde_json::json!({
        "action": "opened", "number": dice.below(5000),
        "pull_request": {"title": format!("Fix {}", dice.pick(&SEARCHES)), "body": text(dice), "head": {"ref": "fix/it's-broken", "sha": dice.letters(b"0123456789abcdef", 40)},
            "html_url": format!("https://git.example.org/acme/app/pull/{}", dice.below(5000)), "merged_at": null},
        "repository": {"full_name": "acme/app", "clone_url": "https://git.example.org/acme/app.git", "language": dice.pick(&["Python", "Go", "Rust", "C++"])},
        "sender": {"login": dice.pick(&["o-brien", "select42", "ann"]), "type": "User"},
        "metrics": {"cpu": 0.25, "p99_ms": [12.5, 1e-3, -4], "window": "5m", "labels": {"region": "eu-west-1", "fn": "orders$LATEST"}},
    });
    json("webhook", "/hooks/git".to_owned(), &value)
}

fn oauth(dice: &mut Dice) -> Benign {
    let uri = format!(
        "/oauth/authorize?response_type=code&client_id={}&redirect_uri={}&scope=openid+profile+email&state={}&nonce={}&code_challenge={}&prompt=select_account",
        dice.uuid(),
        encode("https://app.example.org/callback?next=/orders&lang=de"),
        encode(&dice.base64(20)),
        dice.letters(b"abcdef0123456789", 16),
        dice.letters(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", 43),
    );
    Benign { kind: "oauth", method: "GET", uri, headers: Vec::new(), body: Vec::new() }
}

fn profile(dice: &mut Dice) -> Benign {
    let secret = dice.pick(&[
        "hunter2!",
        "c0rrect horse 'battery' staple",
        "P@$$w0rd;--1",
        "x' y\" z` #1",
        "100%=all&more",
        "<3 cats (2)",
        "naïve;café|bar",
    ]);
    let value = serde_json::json!({
        "name": name(dice), "email": email(dice), "password": secret, "bio": text(dice), "website": "https://o-brien.example.org/~ann/?a=1&b=2#top",
        "birthday": "1990-02-28", "height": "5'11\"", "languages": ["de", "en-GB"], "timezone": "Europe/Dublin", "location": {"lat": 53.3498, "lon": -6.2603},
        "avatar": format!("https://cdn.example.org/{}/a.png", dice.uuid()), "address": dice.pick(&STREETS),
    });
    let mut request = json("profile", "/v1/users/me".to_owned(), &value);
    request.method = dice.pick(&["PUT", "PATCH", "POST"]);
    request
}
