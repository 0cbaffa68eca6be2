//! The nearest ASCII letter of a Unicode character, as Microsoft's code page 20127 has it: what `%u` escapes arrive as at a backend
//! that folds them.

/// Runs of code points and their bytes; NUL where the code page has none.
const RUNS: [(u16, &[u8]); 19] = [
    (0x00A0, b" !c\0$Y|\0\0Ca<\0-R\0\0\023\0\0\0.,1o>\0\0\0\0AAAAAAACEEEEIIIIDNOOOOO\0OUUUUY"),
    (0x00E0, b"aaaaaaaceeeeiiii\0nooooo\0ouuuuy\0yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg"),
    (0x0120, b"GgGgHhHhIiIiIiIiIi\0\0JjKk\0LlLlLl\0\0LlNnNnNn\0\0\0OoOoOoOoRrRrRrSsSsSs"),
    (0x0160, b"SsTtTtTtUuUuUuUuUuUuWwYyYZ\0ZzZz\0b"),
    (0x0189, b"D"),
    (0x0191, b"Ff\0\0\0\0I\0\0l\0\0\0\0OOo"),
    (0x01AB, b"t\0\0TUu\0\0\0\0\0z"),
    (0x01CD, b"AaIiOoUuUuUuUuUu\0Aa\0\0\0\0GgGgKkOoOo\0\0j"),
    (0x0261, b"g"),
    (0x02B9, b"'\"\0'"),
    (0x02C4, b"^\0^\0'\0\0`\0_"),
    (0x02DC, b"~"),
    (0x0300, b"`\0^~"),
    (0x030E, b"\""),
    (0x0331, b"__"),
    (0x2000, b"       "),
    (0x2010, b"--\0--\0\0\0'',\0\"\"\"\0\0\0.\0\0\0."),
    (0x2032, b"'\0\0`\0\0\0<>"),
    (0x2122, b"T"),
];

/// The byte of a code: full-width ASCII as plain, the code page's fit, else the low byte.
pub(super) fn byte(code: u16) -> u8 {
    full_width(code).or_else(|| fitted(code)).unwrap_or_else(|| code.to_le_bytes()[0])
}

/// The plain letter of a full-width one (U+FF01 to U+FF5E).
pub(super) fn full_width(code: u16) -> Option<u8> {
    let distance = code.checked_sub(0xFF01).filter(|distance| *distance <= 0x5D)?;
    u8::try_from(distance + 0x21).ok()
}

fn fitted(code: u16) -> Option<u8> {
    let run = RUNS.partition_point(|(first, _)| *first <= code).checked_sub(1)?;
    let (first, bytes) = RUNS.get(run)?;
    bytes.get(usize::from(code - first)).copied().filter(|&byte| byte != 0)
}
