//! The README's commands, run exactly as written there.

mod bench;

use bench::{Bench, ok};

#[test]
fn every_console_line_of_the_readme_works() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let b = Bench::new();
    b.picture("picture.png", 1);
    b.picture("uploads/known.png", 1);
    b.picture("uploads/other.png", 2);
    b.write(
        "known.csv",
        format!("kind,digest\npdq,{}\n", b.digest("pdq", "picture.png")).as_bytes(),
    );
    let mut ran = 0;
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let command = line
                .strip_prefix("$ obhut ")
                .unwrap_or_else(|| panic!("not a command: {line}"));
            let out = b.obhut(
                &words(command)
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            );
            ok(&out);
            if command == "screen uploads" {
                assert!(
                    String::from_utf8_lossy(&out.stdout)
                        .contains("match          uploads/known.png")
                );
            }
            ran += 1;
        }
    }
    // A changed code fence must not make the test pass by running nothing.
    assert!(ran >= 10, "{ran} commands");
}

/// Splits at spaces, outside of double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}
