//! Sections and bodies written byte by byte: an assembler refuses to write most of what is wanted here.
//!
//! Owns the encoding. Never checks what it encodes.

/// The bytes of `[] -> []`.
pub const NOTHING: &[u8] = &[0x60, 0, 0];

/// An unsigned LEB128 number.
pub fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A section with this content.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len() as u64), content].concat()
}

/// A module of these sections.
pub fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// The module of a text.
pub fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("the texts here are well-formed")
}

/// A module with one function `[] -> []` of these bytes: locals, operators, end. It is the start function.
pub fn function(body: &[u8]) -> Vec<u8> {
    functions(NOTHING, body, 1)
}

/// A module with one type, and `count` functions of that type and of the same body. The first is the start function if it
/// can be one.
pub fn functions(ty: &[u8], body: &[u8], count: usize) -> Vec<u8> {
    let sized = [leb(body.len() as u64), body.to_vec()].concat();
    let start = if ty == NOTHING { section(8, &[0]) } else { Vec::new() };
    module(&[
        section(1, &[&[1], ty].concat()),
        section(3, &[leb(count as u64), vec![0; count]].concat()),
        start,
        section(10, &[leb(count as u64), sized.repeat(count)].concat()),
    ])
}

/// A module with one type and these functions of it, and these sections (by number, ascending) around them. The first
/// function starts.
pub fn program(sections: &[(u8, Vec<u8>)], bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = leb(bodies.len() as u64);
    let code: Vec<u8> = bodies.iter().flat_map(|body| [leb(body.len() as u64), body.clone()].concat()).collect();
    let mut all = sections.to_vec();
    all.push((1, [&[1], NOTHING].concat()));
    all.push((3, [&count[..], &vec![0; bodies.len()]].concat()));
    all.push((8, vec![0]));
    all.push((10, [count, code].concat()));
    // The count of data segments stands before the code, under a later number.
    all.sort_by_key(|(id, _)| if *id == 12 { 19 } else { *id * 2 });
    module(&all.iter().map(|(id, content)| section(*id, content)).collect::<Vec<_>>())
}
