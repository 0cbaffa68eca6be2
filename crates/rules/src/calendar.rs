//! The lives of function runtimes.

use std::sync::LazyLock;

use jiff::civil::Date;

/// One runtime and its dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Identifier as the platform names it.
    pub name: &'static str,
    /// Last day on which it gets security fixes.
    pub supported_until: Date,
    /// From when on no function can be created with it.
    pub creation_blocked: Option<Date>,
    /// From when on no function with it can be changed.
    pub update_blocked: Option<Date>,
    /// What the platform recommends instead.
    pub successor: Option<&'static str>,
}

const TEXT: &str = include_str!("../data/runtimes.txt");

/// Every runtime that was known when the table was made.
pub fn runtimes() -> &'static [Runtime] {
    static RUNTIMES: LazyLock<Vec<Runtime>> = LazyLock::new(|| TEXT.lines().filter_map(runtime).collect());
    &RUNTIMES
}

/// Day on which the table was made, as `YYYY-MM-DD`.
pub(crate) fn table_date() -> &'static str {
    TEXT.lines().find_map(|line| line.strip_prefix("# date: ")).unwrap_or("an unknown day")
}

fn runtime(line: &'static str) -> Option<Runtime> {
    if line.starts_with('#') {
        return None;
    }
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut date = || words.next().and_then(|word| word.parse::<Date>().ok());
    let (supported_until, creation_blocked, update_blocked) = (date()?, date(), date());
    let successor = words.next().filter(|word| *word != "-");
    Some(Runtime { name, supported_until, creation_blocked, update_blocked, successor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_of_itself_how_large_it_is() {
        let header = TEXT.lines().next().unwrap();
        assert!(header.ends_with(&format!(": {} runtimes.", runtimes().len())), "{header}");
        assert_eq!(table_date().len(), "2026-01-01".len());
    }

    #[test]
    fn dates_are_read() {
        let python = runtimes().iter().find(|runtime| runtime.name == "python3.8").unwrap();
        assert_eq!(python.supported_until, jiff::civil::date(2024, 10, 14));
        assert!(python.successor.is_some_and(|name| name.starts_with("python3.")));
        assert!(runtimes().iter().any(|runtime| runtime.successor.is_none()));
    }
}
