//! PDQ against its reference, PyPI `pdqhash` 0.2.8, bit for bit, on pictures made here.
//!
//! `cargo xtask test` puts the reference into its own Python environment and names it in
//! `OBHUT_ORACLE_PYTHON`; without that variable this test says "not present" and passes.

mod pictures;

use std::io::Write as _;
use std::process::{Command, Stdio};

use obhut_hash::{Compute, Pixels, kinds};
use pictures::pictures;

/// Reads pictures from standard input (width, height, RGB) and prints quality, digest and the
/// eight dihedral digests of each.
const ORACLE: &str = r#"
import struct, sys
import numpy, pdqhash
def hexed(bits):
    return "".join("%02x" % int("".join(str(int(b)) for b in bits[i:i + 8]), 2) for i in range(0, 256, 8))
read = sys.stdin.buffer
while True:
    head = read.read(8)
    if not head:
        break
    w, h = struct.unpack("<II", head)
    rgb = numpy.frombuffer(read.read(w * h * 3), dtype=numpy.uint8).reshape(h, w, 3)
    one, quality = pdqhash.compute(rgb)
    eight, _ = pdqhash.compute_dihedral(rgb)
    print(quality, hexed(one), *[hexed(e) for e in eight])
"#;

#[test]
fn pdq_is_bit_exact_to_pypi_pdqhash() {
    let Some(python) = std::env::var_os("OBHUT_ORACLE_PYTHON") else {
        println!("not present: PyPI pdqhash (cargo xtask test brings it)");
        return;
    };
    let pictures = pictures();
    // An empty set would pass every comparison below.
    assert!(pictures.len() >= 200, "{}", pictures.len());
    let mut oracle = Command::new(python)
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut input = oracle.stdin.take().unwrap();
    // Writes from a second thread: otherwise both pipes could fill, and each side wait for the
    // other.
    let answers = std::thread::scope(|scope| {
        scope.spawn(|| {
            for p in &pictures {
                input.write_all(&p.width.to_le_bytes()).unwrap();
                input.write_all(&p.height.to_le_bytes()).unwrap();
                input.write_all(&p.rgb).unwrap();
            }
            // End of input is how the oracle knows that it has all pictures.
            drop(input);
        });
        oracle.wait_with_output().unwrap()
    });
    assert!(answers.status.success(), "the oracle failed");
    let answers = String::from_utf8(answers.stdout).unwrap();
    assert_eq!(answers.lines().count(), pictures.len());

    let Compute::Pixels { one, eight } = kinds::by_name("pdq").unwrap().compute else {
        panic!()
    };
    for (p, line) in pictures.iter().zip(answers.lines()) {
        let pixels = Pixels::new(p.width, p.height, &p.rgb).unwrap();
        let ours = one(pixels);
        // In the order of `Turn::ALL`, which is that of `compute_dihedral`.
        let turned = eight(pixels).map(|t| t.digest.to_hex()).join(" ");
        assert_eq!(
            format!("{} {} {turned}", ours.quality, ours.digest.to_hex()),
            line,
            "{}",
            p.name
        );
    }
    println!(
        "{} pictures, 9 digests each, all bits equal",
        pictures.len()
    );
}
