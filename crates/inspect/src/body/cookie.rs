//! Cookies of a request header.

use super::{Argument, Limits};

/// The cookies of one `Cookie` header, undecoded: what a cookie holds is the application's own encoding. White space before a
/// name goes; a piece without `=` is a name with an empty value. At most `limits.arguments`, the rest is one more whose name is
/// empty, so that rules still see its text.
pub(crate) fn parse(header: &[u8], limits: &Limits) -> Vec<Argument> {
    let mut cookies = Vec::new();
    for piece in header.splitn(limits.arguments.max(1), |&byte| byte == b';').map(<[u8]>::trim_ascii_start) {
        if piece.is_empty() {
            continue;
        }
        let equals = memchr::memchr(b'=', piece);
        let (name, value) = equals.map_or((piece, None), |at| (piece.get(..at).unwrap_or_default(), piece.get(at + 1..)));
        cookies.push(Argument { name: name.to_vec(), value: value.unwrap_or_default().to_vec() });
    }
    cookies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_split_at_the_first_equals_sign() {
        let cookies = parse(b"a=b=c; d ;; =e;f", &Limits::default());
        let texts: Vec<(&[u8], &[u8])> = cookies.iter().map(|cookie| (&*cookie.name, &*cookie.value)).collect();
        let expected: Vec<(&[u8], &[u8])> = vec![(b"a", b"b=c"), (b"d ", b""), (b"", b"e"), (b"f", b"")];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_is_over_the_limit_stays_visible() {
        let cookies = parse(b"a=1;b=2;c=3", &Limits { arguments: 2, ..Limits::default() });
        assert_eq!(cookies.last().map(|cookie| cookie.value.clone()), Some(b"2;c=3".to_vec()));
    }
}
