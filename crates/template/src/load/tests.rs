use super::*;
use crate::{Kind, Node};

fn load_text(text: &str) -> Document {
    load(&"template.yaml".into(), text.as_bytes())
        .unwrap_or_else(|error| panic!("{error} at {}:{}", error.line, error.column))
}

fn refusal(bytes: &[u8]) -> Error {
    load(&"template.yaml".into(), bytes).map(|document| panic!("read as {:?}", document.root)).unwrap_err()
}

fn slice<'t>(document: &'t Document, node: &Node) -> &'t str {
    let place = node.origin.place.unwrap();
    document.text.get(place.start as usize..place.end as usize).unwrap()
}

fn at<'d>(document: &'d Document, path: &[&str]) -> &'d Node {
    document.root.at(path).unwrap_or_else(|| panic!("{path:?} in {:?}", document.root))
}

#[test]
fn short_intrinsics_take_their_long_form_and_keep_the_place_of_the_value() {
    let document = load_text(
        "Ümläut: é # ü\nA: !GetAtt Nested.Outputs.Url\nB: !Sub \"${A}-x\"\nC: !Join ['', [a, !Ref B]]\nD: [!Ref X, !If [c, 1, 2]]\n",
    );
    let attribute = at(&document, &["A", "Fn::GetAtt"]).as_list().unwrap();
    assert_eq!(
        (attribute.len(), slice(&document, &attribute[0]), slice(&document, &attribute[1])),
        (2, "Nested", "Outputs.Url")
    );
    assert_eq!(slice(&document, at(&document, &["A"])), "!GetAtt Nested.Outputs.Url");
    assert_eq!(slice(&document, at(&document, &["A", "Fn::GetAtt"])), "Nested.Outputs.Url");
    assert_eq!(slice(&document, at(&document, &["B", "Fn::Sub"])), "\"${A}-x\"");
    assert_eq!(slice(&document, at(&document, &["C", "Fn::Join"])), "['', [a, !Ref B]]");
    let items = at(&document, &["D"]).as_list().unwrap();
    assert_eq!(items[0].as_reference(), Some("X"));
    assert_eq!(slice(&document, items[0].get("Ref").unwrap()), "X");
    assert_eq!(items[1].as_intrinsic().unwrap().0, "Fn::If");
    assert_eq!(document.comments, [Comment { place: document.comments[0].place, alone: false, text: "ü".into() }]);
}

#[test]
fn long_get_att_text_becomes_a_list_in_both_languages() {
    for text in ["A: {'Fn::GetAtt': F.Arn}", "{\"A\": {\"Fn::GetAtt\": \"F.Arn\"}}", "A: !GetAtt [F, Arn]"] {
        let document = load_text(text);
        let items = at(&document, &["A", "Fn::GetAtt"]).as_list().unwrap().to_vec();
        assert_eq!((items[0].as_text(), items[1].as_text()), (Some("F"), Some("Arn")), "{text}");
    }
}

#[test]
fn block_collections_end_with_their_last_value() {
    let document =
        load_text("Resources:\n  A:\n    Type: X\n    List:\n    - a\n    - b   \n\n  # about B\n  B: {a: 1}\n");
    assert_eq!(slice(&document, at(&document, &["Resources", "A"])), "Type: X\n    List:\n    - a\n    - b");
    assert_eq!(slice(&document, at(&document, &["Resources", "A", "List"])), "- a\n    - b");
    assert_eq!(slice(&document, at(&document, &["Resources", "B"])), "{a: 1}");
    assert!(document.comments[0].alone);
    assert_eq!(at(&document, &["Resources", "A", "Type"]).origin.place.unwrap().line, 3);
}

#[test]
fn block_scalars_quotes_and_hashes() {
    let document = load_text("Code: |\n  # no comment\n  x = 1 # nor this\n\nUrl: 'a # b'\nTail: x#y # yes\n");
    assert_eq!(at(&document, &["Code"]).as_text(), Some("# no comment\nx = 1 # nor this\n"));
    assert!(slice(&document, at(&document, &["Code"])).starts_with('|'));
    assert_eq!(document.comments.len(), 1);
    assert_eq!(&*document.comments[0].text, "yes");
}

#[test]
fn ids_dates_and_quotes_keep_their_text() {
    let document = load_text("Account: 012345678901\nVersion: 2012-10-17\nQuoted: '5'\nTagged: !!str 5\nEmpty:\n");
    assert_eq!(at(&document, &["Account"]).as_text(), Some("012345678901"));
    assert_eq!(at(&document, &["Version"]).as_text(), Some("2012-10-17"));
    assert!(matches!(&at(&document, &["Tagged"]).kind, Kind::Scalar(scalar) if !scalar.plain));
    assert_eq!(slice(&document, at(&document, &["Empty"])), "");
    assert_eq!(at(&document, &["Empty"]).origin.place.unwrap().line, 5);
}

#[test]
fn the_last_of_two_equal_keys_counts_and_is_told() {
    let document = load_text("A: 1\nB: 2\nA: 3\n");
    assert_eq!(at(&document, &["A"]).as_text(), Some("3"));
    assert_eq!(document.notes.len(), 1);
    assert_eq!(document.notes[0].place().line, 3);
    assert_eq!(document.notes[0].message(), "the key `A` stands twice, the last one counts");
}

#[test]
fn aliases_and_merge_keys_are_what_they_stand_for() {
    let document = load_text(
        "base: &base {a: 1, b: 2}\nmore: &more {b: 9, c: 3}\nx:\n  <<: [*base, *more]\n  a: 7\ny: *base\nz: &t !Ref Q\nw: *t\n",
    );
    let x = at(&document, &["x"]).as_map().unwrap();
    let pairs: Vec<_> = x.iter().map(|(key, node)| (key, node.as_text().unwrap())).collect();
    assert_eq!(pairs, [("a", "7"), ("b", "2"), ("c", "3")]);
    assert_eq!(at(&document, &["y", "b"]).as_text(), Some("2"));
    assert_eq!(at(&document, &["w"]).as_reference(), Some("Q"));
    assert!(document.notes.is_empty());
}

#[test]
fn indentation_that_only_the_laxer_reader_takes() {
    let document = load_text("Ä: ö\nA:\n  B: \"one\n two\"\n  C: {\n  d: e\n}\n");
    assert_eq!(at(&document, &["A", "B"]).as_text(), Some("one two"));
    assert_eq!(at(&document, &["A", "C", "d"]).as_text(), Some("e"));
    assert_eq!(slice(&document, at(&document, &["A", "C", "d"])), "e");
}

#[test]
fn what_makes_the_laxer_reader_panic_is_only_refused() {
    for text in ["a: {\n b: [!x,y]\n}\n\t- !z,", "a: {\n}\nb: \"\\", "{\n a: 1\n}: |"] {
        refusal(text.as_bytes());
    }
}

#[test]
fn json_with_tabs_escapes_and_pairs() {
    let document =
        load_text("\u{feff}{\n\t\"a\":\t\"\\ud83d\\ude00\\/\\n\",\n\t\"b\": [1, true, null, {}],\n\t\"ü\": \"x\"\n}\n");
    assert_eq!(at(&document, &["a"]).as_text(), Some("😀/\n"));
    assert_eq!(slice(&document, at(&document, &["b"])), "[1, true, null, {}]");
    assert_eq!(slice(&document, at(&document, &["ü"])), "\"x\"");
    let place = at(&document, &["ü"]).origin.place.unwrap();
    assert_eq!((place.line, place.column), (4, 7));
}

#[test]
fn a_byte_order_mark_shifts_bytes_and_not_columns() {
    let document = load_text("\u{feff}A: é\nB: !Ref C\n");
    assert_eq!(slice(&document, at(&document, &["A"])), "é");
    assert_eq!(at(&document, &["A"]).origin.place.unwrap().column, 4);
    assert_eq!(slice(&document, at(&document, &["B", "Ref"])), "C");
}

#[test]
fn only_the_first_document_is_read_and_that_is_told() {
    let document = load_text("---\nA: 1\n---\nB: [\n");
    assert_eq!(at(&document, &["A"]).as_text(), Some("1"));
    assert!(matches!(document.notes[..], [Note::FurtherDocuments { .. }]));
}

#[test]
fn hostile_texts_are_refused_with_a_place_and_at_once() {
    let deep = "[".repeat(10_000);
    assert!(refusal(deep.as_bytes()).message.contains("deep"), "{}", refusal(deep.as_bytes()).message);
    let deep = "{\"a\":".repeat(10_000);
    assert_eq!(refusal(deep.as_bytes()).message, "values are nested more than 200 deep");
    let deep = "- ".repeat(10_000);
    assert_eq!(refusal(deep.as_bytes()).message, "values are nested more than 200 deep");
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..20 {
        let before = level - 1;
        bomb += &[
            "a",
            &level.to_string(),
            ": &a",
            &level.to_string(),
            " [",
            &vec![format!("*a{before}"); 6].join(","),
            "]\n",
        ]
        .concat();
    }
    assert_eq!(refusal(bomb.as_bytes()).message, "the template grows beyond 1000000 values");
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        let before = level - 1;
        tower += &["a", &level.to_string(), ": &a", &level.to_string(), " [*a", &before.to_string(), "]\n"].concat();
    }
    assert_eq!(refusal(tower.as_bytes()).message, "values are nested more than 200 deep");
}

#[test]
fn refusals_say_what_and_where() {
    let told = |bytes: &[u8]| {
        let error = refusal(bytes);
        (error.line, error.column, error.message)
    };
    assert_eq!(told(b""), (1, 1, "the file is empty".to_owned()));
    assert_eq!(told(b"\n# nothing\n"), (1, 1, "the file holds nothing but comments".to_owned()));
    assert_eq!(told(b"A: \xc3\xa9\nB: \xff"), (2, 4, "the file is not UTF-8 text from here on".to_owned()));
    assert_eq!(told(b"A: 1\nB: \0"), (2, 4, "the file holds a null byte and so is no text".to_owned()));
    assert_eq!(told(b"A: *b\n").0, 1);
    assert_eq!(told(b"A: &b [*b]\n").0, 1);
    assert_eq!(told(b"[a, b]: c\n").2, "a key must be plain text, not a list or a map");
    let json = load(&"template.json".into(), b"{\n  \"a\": 1\n  \"b\": 2\n}").unwrap_err();
    assert_eq!((json.line, json.column, &*json.message), (3, 3, "a comma or `}` is expected here"));
}

/// The tree each of the two YAML readers makes.
fn both_trees(text: &str) -> Vec<(&'static str, build::Tree)> {
    let positions = Positions::new(text);
    let mut found = Vec::new();
    found.extend(
        build::tree(&mut saphyr::Saphyr::new(text, &positions), text, &positions).ok().map(|tree| ("saphyr", tree)),
    );
    found.extend(build::tree(&mut libyaml::Libyaml::new(text), text, &positions).ok().map(|tree| ("libyaml", tree)));
    found
}

/// Every scalar with the text at its span, keys included.
fn scalars<'t>(node: &Node, text: &'t str, found: &mut Vec<(String, &'t str)>) {
    let at = |origin: &crate::Origin| {
        let place = origin.place.unwrap();
        text.get(place.start as usize..place.end as usize).unwrap()
    };
    match &node.kind {
        Kind::Scalar(scalar) => found.push((scalar.text.to_string(), at(&node.origin))),
        Kind::List(items) => items.iter().for_each(|item| scalars(item, text, found)),
        Kind::Map(map) => {
            for (key, origin, value) in map.entries() {
                if !key.starts_with("Fn::") {
                    found.push((key.to_string(), at(origin)));
                }
                scalars(value, text, found);
            }
        }
    }
}

/// A fix that replaces a whole list replaces its brackets too.
#[test]
fn bracketed_collections_end_with_their_bracket() {
    let text = "A: ['*'] # x\nB: [a, \"b\"]\nC: {D: ['x'], E: 'y'}\nF: [\n  a, # ]\n  'b',\n]\nG: []\n";
    for (reader, tree) in both_trees(text) {
        let root = tree.root.unwrap();
        let at = |path: &[&str]| {
            let place = root.at(path).unwrap().origin.place.unwrap();
            text.get(place.start as usize..place.end as usize).unwrap()
        };
        assert_eq!(at(&["A"]), "['*']");
        assert_eq!(at(&["B"]), "[a, \"b\"]");
        assert_eq!(at(&["C"]), "{D: ['x'], E: 'y'}");
        assert_eq!(at(&["C", "D"]), "['x']");
        assert_eq!(at(&["F"]), "[\n  a, # ]\n  'b',\n]");
        assert_eq!(at(&["G"]), "[]", "{reader}");
    }
}

fn spans(text: &str) -> Vec<(&'static str, Vec<&str>)> {
    both_trees(text)
        .into_iter()
        .map(|(reader, tree)| {
            let mut found = Vec::new();
            scalars(&tree.root.unwrap(), text, &mut found);
            (reader, found.into_iter().map(|(_, at)| at).collect())
        })
        .collect()
}

#[test]
fn a_scalar_ends_where_it_ends_in_both_readers() {
    let cases: [(&str, &[&str]); 10] = [
        ("Runtime: 'python3.8' # x\nB: 1\n", &["Runtime", "'python3.8'", "B", "1"]),
        ("\"a b\" : \"c \\\" # d\" # x\n", &["\"a b\"", "\"c \\\" # d\""]),
        ("A: {'b' : 'it''s', \"c\": d} # x\n", &["A", "'b'", "'it''s'", "\"c\"", "d"]),
        ("A: ['b' , \"c\" # x\n  , d ] # y\n", &["A", "'b'", "\"c\"", "d"]),
        ("A: \"one\n  two\" # x\nB: c d # y\n", &["A", "\"one\n  two\"", "B", "c d"]),
        (
            "A: !Sub '${x}' # y\nB: &b \"c\" # z\nC: !<tag:yaml.org,2002:str> 'd' # e\n",
            &["A", "'${x}'", "B", "\"c\"", "C", "'d'"],
        ),
        ("A: | # x\n  b # no comment\n   c\n\n# y\n# z\nD: e\n", &["A", "| # x\n  b # no comment\n   c", "D", "e"]),
        (
            "A:\n  B: >-\n    c\n  # y\n  D: |2-\n      e\n    f  \n\n  G: |+\n\n# h\nI: j\n",
            &["A", "B", ">-\n    c", "D", "|2-\n      e\n    f  ", "G", "|+", "I", "j"],
        ),
        ("- |\n \"x\"\n- >\r\n | y\r\n# z\r\n- 'q' # r\r\n", &["|\n \"x\"", ">\r\n | y", "'q'"]),
        ("A:\n- 'b' # c\n- # d\n  \"e\" # f\n- g", &["A", "'b'", "\"e\"", "g"]),
    ];
    for (text, expected) in cases {
        let found = spans(text);
        assert_eq!(found.len(), 2, "{text}");
        for (reader, found) in found {
            assert_eq!(found, expected, "{reader}: {text}");
        }
    }
}

#[test]
fn a_comment_behind_a_quote_or_below_a_block_is_a_comment() {
    let document = load_text("A: 'b' # one\nC: |\n  d # text\n# two\nE: \"f\"\n");
    let words: Vec<_> = document.comments.iter().map(|comment| (&*comment.text, comment.alone)).collect();
    assert_eq!(words, [("one", false), ("two", true)]);
}

mod property {
    use proptest::prelude::*;

    use super::*;

    fn line() -> impl Strategy<Value = String> {
        "[a-zé#:'\"\\\\|>,{\\[ -]{0,8}"
    }

    fn quoted() -> impl Strategy<Value = String> {
        let single = prop::collection::vec(line(), 1..3).prop_map(|lines| {
            let escaped: Vec<_> = lines.iter().map(|line| line.replace('\'', "''")).collect();
            format!("'{}'", escaped.join("\n       "))
        });
        let double = prop::collection::vec(line(), 1..3).prop_map(|lines| {
            let escaped: Vec<_> = lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
            format!("\"{}\"", escaped.join("\n       "))
        });
        prop_oneof![single, double, "[a-z]([a-z#']| [a-z]){0,4}[a-z]"]
    }

    fn block() -> impl Strategy<Value = String> {
        ("[|>][-+]?( # x)?", prop::collection::vec(("a|b #|'c|\"|- d: e|\\| f", 0..3_usize), 0..4)).prop_map(
            |(header, lines)| {
                let lines = lines.iter().enumerate().map(|(place, (line, more))| {
                    // The first line settles the indentation.
                    format!("\n      {}{line}", " ".repeat(if place == 0 { 0 } else { *more }))
                });
                header + &lines.collect::<String>()
            },
        )
    }

    fn entry() -> impl Strategy<Value = String> {
        let before = prop_oneof![Just(""), Just("!Sub "), Just("!!str "), Just("&a ")];
        let after = prop_oneof![Just(""), Just(" # c"), Just("  "), Just(" # 'c\"")];
        let value =
            (before, quoted(), after.clone()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let flow = (quoted(), quoted(), after)
            .prop_map(|(first, second, after)| format!("[{first} , {{k: {second}}}]{after}"));
        prop_oneof![3 => value, 1 => flow, 2 => block()]
    }

    fn document() -> impl Strategy<Value = String> {
        let between = prop_oneof![Just("\n"), Just("\n\n"), Just("\n# c\n"), Just("\n\n    # 'c\n")];
        prop::collection::vec((entry(), between), 1..5).prop_map(|entries| {
            let keys = ["a", "'b'", "\"c\"", "d e", "'f' "];
            let lines =
                entries.iter().zip(keys).map(|((value, between), key)| ["    ", key, ": ", value, between].concat());
            lines.collect::<String>()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// What stands at the span of a scalar reads as that scalar, by itself; but for the empty lines a block keeps.
        #[test]
        fn the_text_at_a_span_reads_as_the_scalar(inner in document()) {
            let text = format!("top:\n{inner}");
            for (reader, tree) in both_trees(&text) {
                let mut found = Vec::new();
                scalars(&tree.root.unwrap().clone(), &text, &mut found);
                for (read, at) in found {
                    let alone = format!("k: {at}\n");
                    let again = both_trees(&alone).into_iter().find(|(name, _)| *name == reader);
                    let (_, again) = again.unwrap_or_else(|| panic!("{reader} does not read {alone:?} of {text:?}"));
                    let again = again.root.unwrap();
                    let again = again.get("k").and_then(Node::as_text).unwrap_or_else(|| panic!("{reader}: {alone:?} of {text:?}"));
                    let ends = |text: &str| if at.starts_with(['|', '>']) { text.trim_end_matches('\n').to_owned() } else { text.to_owned() };
                    prop_assert_eq!(ends(again), ends(&read), "{} {:?} of {:?}", reader, at, text);
                }
            }
        }
    }
}
