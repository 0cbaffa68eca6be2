//! Just enough YAML for test files: mappings, sequences and scalars, as JSON values whose scalars are all texts.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};

/// The first document of a file, `Null` if it has none.
pub(crate) fn load(text: &str) -> Result<Value, String> {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        let done = match event {
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(|(value, _)| value).unwrap_or_default(),
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            Event::Alias(_) => return Err("aliases are not read".to_owned()),
            _ => continue,
        };
        match open.last_mut() {
            None => root = done,
            Some((Value::Array(list), _)) => list.push(done),
            Some((Value::Object(map), key)) => match key.take() {
                Some(key) => {
                    map.insert(key, done);
                }
                None => *key = done.as_str().map(str::to_owned),
            },
            Some(_) => {}
        }
    }
    Ok(root)
}
