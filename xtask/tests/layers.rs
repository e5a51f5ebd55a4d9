//! Tests of the layers: allowed imports, allowed outside crates, clock, environment, network. The
//! rules for imports, outside crates and renderers are also tried broken. docs/architecture.md
//! describes the same.

mod tree;

use std::collections::BTreeSet;

use tree::{LAYERS, dependencies, files, folder_of, manifest, name_of, read, root, sources};

/// Crate → the third-party crates it may use. Everything else is refused: a list of forbidden
/// crates would miss the HTTP client that no one thought of. Dependencies of tests are exempt.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("hash", &["md-5", "sha1", "sha2"]),
    ("index", &["rustix"]),
    ("typologies", &[]),
    (
        "chain",
        &["bech32", "bitcoin_slices", "bs58", "memmap2", "sha2"],
    ),
    (
        "vault",
        &[
            "age",
            "async-trait",
            "base64",
            "bytes",
            "ed25519-dalek",
            "futures",
            "getrandom",
            "hex",
            "hmac",
            "object_store",
            "ring",
            "serde",
            "serde_json",
            "sha2",
            "signed_note",
            "thiserror",
            "tlog_tiles",
        ],
    ),
    (
        "decode",
        &[
            "image",
            "kamadak-exif",
            "landlock",
            "libc",
            "rustix",
            "seccompiler",
            "turbojpeg",
        ],
    ),
    (
        "facts",
        &[
            "jiff",
            "schemars",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "thiserror",
            "whatlang",
        ],
    ),
    (
        "store",
        &[
            "async-trait",
            "getrandom",
            "hex",
            "jiff",
            "object_store",
            "serde",
            "sqlx",
            "thiserror",
            "tokio",
            "walkdir",
        ],
    ),
    (
        "casework",
        &[
            "async-trait",
            "bytes",
            "data-encoding",
            "futures",
            "hex",
            "infer",
            "jiff",
            "kamadak-exif",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "sqlx",
            "tokio",
            "tracing",
            "unicode-normalization",
            "walkdir",
        ],
    ),
    (
        "media",
        &[
            "async-trait",
            "csv",
            "hex",
            "image",
            "serde",
            "serde_json",
            "sha2",
            "sqlx",
            "tokio",
            "tracing",
            "walkdir",
        ],
    ),
    (
        "payments",
        &[
            "async-trait",
            "serde",
            "serde_json",
            "sqlx",
            "tempfile",
            "tracing",
        ],
    ),
    (
        "intake",
        &[
            "async-trait",
            "hex",
            "serde",
            "serde_json",
            "sha2",
            "sqlx",
            "tokio",
        ],
    ),
    (
        "bitcoin",
        &["async-trait", "hex", "serde", "serde_json", "sqlx"],
    ),
    ("app", &["serde", "serde_json", "tracing"]),
    (
        "formats",
        &[
            "arrow-array",
            "arrow-schema",
            "base64",
            "bytes",
            "chardetng",
            "cms",
            "csv",
            "dejavu",
            "der",
            "encoding_rs",
            "hex",
            "jiff",
            "krilla",
            "lopdf",
            "mail-parser",
            "memchr",
            "parquet",
            "quick-xml",
            "regex-lite",
            "ring",
            "rustix",
            "rustls-pki-types",
            "serde",
            "serde-saphyr",
            "serde_json",
            "sha2",
            "tracing",
            "ttf-parser",
            "url",
            "webpki",
            "zip",
        ],
    ),
    (
        "fakes",
        &[
            "regex-lite",
            "arrow-array",
            "axum",
            "base64",
            "futures",
            "getrandom",
            "hex",
            "image",
            "jiff",
            "multer",
            "parquet",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
            "tracing",
            "url",
        ],
    ),
    (
        "partners",
        &[
            "age",
            "base64",
            "bytes",
            "futures",
            "getrandom",
            "hex",
            "hmac",
            "jiff",
            "lettre",
            "m3u8-rs",
            "rustix",
            "rustls",
            "rusty-s3",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
            "tracing",
            "ureq",
            "url",
            "zip",
        ],
    ),
    (
        "server",
        &[
            "axum",
            "base64",
            "fluent-bundle",
            "futures",
            "getrandom",
            "hex",
            "http-body-util",
            "hyper-util",
            "jiff",
            "maud",
            "memchr",
            "rustls",
            "rustls-pki-types",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
            "tokio-rustls",
            "tower",
            "tracing",
            "url",
            "utoipa",
        ],
    ),
    (
        "cli",
        &[
            "anyhow",
            "base64",
            "clap",
            "clap_complete",
            "dirs",
            "getrandom",
            "hex",
            "indicatif",
            "jiff",
            "rustix",
            "serde_json",
            "tempfile",
            "tokio",
            "toml",
            "tracing",
            "tracing-subscriber",
            "url",
            "walkdir",
        ],
    ),
];

/// Outbound clients, and the only workspace crates that may use each.
/// sqlx speaks to the database and object_store to the vault's folder.
const OUTBOUND: &[(&str, &[&str])] = &[
    ("lettre", &["partners"]),
    ("ureq", &["partners"]),
    ("rusty-s3", &["partners"]),
    // The server only accepts with it.
    ("rustls", &["partners", "server"]),
    ("object_store", &["store", "vault"]),
    (
        "sqlx",
        &[
            "store", "casework", "media", "payments", "bitcoin", "intake",
        ],
    ),
];

#[test]
fn every_crate_imports_only_from_below() {
    let on_disk: BTreeSet<String> = files("crates")
        .into_iter()
        .filter_map(|f| {
            Some(
                f.strip_prefix("crates/")?
                    .strip_suffix("/Cargo.toml")?
                    .to_owned(),
            )
        })
        .collect();
    let in_table: BTreeSet<String> = LAYERS.iter().map(|(f, _)| (*f).to_owned()).collect();
    // In both directions: a crate without a row is unchecked, a row without a crate checks nothing.
    assert_eq!(
        on_disk, in_table,
        "a new crate needs its row in LAYERS and in docs/architecture.md"
    );
    for (folder, allowed) in LAYERS {
        let wrong = not_below(&dependencies(&manifest(name_of(folder))), allowed);
        assert!(
            wrong.is_empty(),
            "crates/{folder} imports {wrong:?}, which is not below it. Move the code up to a crate that may, or hand it in through a trait; a new arrow needs docs/architecture.md in the same commit"
        );
    }
}

/// Workspace crates among `dependencies` that are not allowed.
fn not_below(dependencies: &BTreeSet<String>, allowed: &[&str]) -> Vec<String> {
    let ours = dependencies.iter().filter_map(|d| d.strip_prefix("obhut-"));
    ours.filter(|name| !allowed.contains(name))
        .map(str::to_owned)
        .collect()
}

/// The rule itself, broken on purpose: each crate with an import of each crate in turn, allowed or
/// not.
#[test]
fn an_import_from_above_is_noticed() {
    for (folder, allowed) in LAYERS {
        for (other, _) in LAYERS {
            let mut with = dependencies(&manifest(name_of(folder)));
            with.insert(format!("obhut-{}", name_of(other)));
            assert_eq!(
                not_below(&with, allowed).is_empty(),
                allowed.contains(&name_of(other)),
                "{folder} with {other}"
            );
        }
    }
}

/// Kernels import no workspace crate, and every import refers to an earlier row of LAYERS.
#[test]
fn the_layers_are_layers() {
    for (at, (folder, allowed)) in LAYERS.iter().enumerate() {
        assert!(
            !folder.starts_with("kernels/") || allowed.is_empty(),
            "{folder} is a kernel and imports nothing of ours"
        );
        for name in *allowed {
            let below = LAYERS[..at].iter().any(|(f, _)| name_of(f) == *name);
            assert!(
                below,
                "{folder} may import {name}, which isn't in an earlier row"
            );
        }
    }
}

/// Dependencies that a crate may not have, each with the remedy.
fn not_its_business(name: &str, dependencies: &BTreeSet<String>) -> Vec<String> {
    let allowed = OUTSIDE
        .iter()
        .find(|(of, _)| *of == name)
        .map_or(&[][..], |(_, allowed)| allowed);
    let mut wrong = Vec::new();
    // The project's own crates are in another table, LAYERS.
    for dependency in dependencies.iter().filter(|d| !d.starts_with("obhut")) {
        if !allowed.contains(&dependency.as_str()) {
            wrong.push(format!(
                "crates/{name} uses {dependency}, which is not in its row of OUTSIDE. Do without it, or add it there and to docs/architecture.md with the reason"
            ));
        }
        let only = OUTBOUND.iter().find(|(of, _)| of == dependency);
        if let Some((_, only)) = only
            && !only.contains(&name)
        {
            wrong.push(format!(
                "crates/{name} uses {dependency}, which opens connections; only {only:?} may. Hand in what it fetches"
            ));
        }
    }
    wrong
}

#[test]
fn no_crate_can_use_what_is_not_its_business() {
    let rows: BTreeSet<&str> = OUTSIDE.iter().map(|(name, _)| *name).collect();
    for name in LAYERS.iter().map(|(folder, _)| name_of(folder)) {
        assert!(
            rows.contains(name),
            "crates/{name} needs its row in OUTSIDE"
        );
        let wrong = not_its_business(name, &dependencies(&manifest(name)));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    // A row names only what is used: a crate removed from a manifest must be removed here too.
    for (name, allowed) in OUTSIDE {
        let used = dependencies(&manifest(name));
        for crate_name in *allowed {
            assert!(
                used.contains(*crate_name),
                "OUTSIDE allows {crate_name} in crates/{name}, which doesn't use it any more: take it out of the row"
            );
        }
    }
    for (client, only) in OUTBOUND {
        for name in *only {
            assert!(
                dependencies(&manifest(name)).contains(*client),
                "OUTBOUND names {client} for crates/{name}, which doesn't use it: take it out"
            );
        }
    }
}

/// The rule itself, broken on purpose: each client is added to crates that may not use it.
#[test]
fn a_client_where_it_may_not_be_is_noticed() {
    for name in LAYERS
        .iter()
        .map(|(folder, _)| name_of(folder))
        .filter(|name| *name != "partners")
    {
        // Two that are in use, and two that a newcomer might add.
        for client in ["ureq", "rusty-s3", "reqwest", "hyper"] {
            let mut with = dependencies(&manifest(name));
            with.insert(client.to_owned());
            let wrong = not_its_business(name, &with).join("\n");
            assert!(wrong.contains(client), "{client} in crates/{name} passes");
        }
    }
    let renamed: toml::Table = "[dependencies]\nsafe = { package = \"ureq\", version = \"3\" }"
        .parse()
        .unwrap();
    assert!(dependencies(&renamed).contains("ureq"));
    let hidden: toml::Table = "[target.'cfg(unix)'.dependencies]\nureq = \"3\""
        .parse()
        .unwrap();
    assert!(dependencies(&hidden).contains("ureq"));
}

#[test]
fn kernels_look_at_no_clock_no_environment_and_no_network() {
    for kernel in ["hash", "index", "typologies", "chain", "vault"] {
        for file in files(&format!("crates/{}/src", folder_of(kernel))) {
            let text = read(&root().join(&file));
            for word in [
                "SystemTime",
                "Instant::now",
                "std::env::",
                "std::net::",
                "TcpStream",
            ] {
                assert!(
                    !text.contains(word),
                    "{file} says {word}: pass the value into the kernel instead"
                );
            }
        }
    }
}

#[test]
fn only_the_binary_reads_arguments_and_environment() {
    for file in sources().into_iter().filter(|f| {
        f.starts_with("crates/") && f.contains("/src/") && !f.starts_with("crates/cli/")
    }) {
        let text = read(&root().join(&file));
        // The tests' decoder is a binary too and reads the arguments that the pool gives it.
        let worker = file == "crates/kernels/decode/src/bin/obhut-decode.rs";
        for word in ["env::var", "env::args"] {
            assert!(
                worker || !text.contains(word),
                "{file} says {word}: arguments and environment come in through crates/cli"
            );
        }
    }
}

/// `for_domains` is for domains only; app names it once, to register them.
#[test]
fn only_domains_name_the_inside_of_the_core() {
    for file in sources().into_iter().filter(|f| {
        f.starts_with("crates/")
            && f.contains("/src/")
            && !f.starts_with("crates/domains/")
            && !f.starts_with("crates/foundation/casework/")
    }) {
        for line in read(&root().join(&file)).lines() {
            // The one exception: app names the type to register the domains.
            let registers = file == "crates/app/src/lib.rs" && line.contains("for_domains::Domain");
            assert!(
                registers || !line.contains("for_domains"),
                "{file} names for_domains, which is for crates/domains only; ask a domain or casework for a function"
            );
        }
    }
}

/// Words that open or accept a connection.
const SOCKETS: &[&str] = &["TcpStream", "TcpListener", "UdpSocket", "tokio::net"];

/// casework and the domains never send anything. A client crate isn't the only way to open a
/// connection, so the words that open a socket are checked too.
#[test]
fn only_edges_name_a_socket() {
    for (folder, _) in LAYERS {
        let may = matches!(name_of(folder), "partners" | "server" | "cli");
        // obhut-decode is the tests' own worker, which tries what the sandbox forbids.
        let source = |f: &String| !f.contains("/src/bin/");
        for file in files(&format!("crates/{folder}/src"))
            .into_iter()
            .filter(source)
        {
            let text = read(&root().join(&file));
            for word in SOCKETS {
                assert!(
                    may || !text.contains(word),
                    "{file} says {word}: connections are opened in crates/edges/partners and accepted in crates/server; pass in the data they carry"
                );
            }
        }
    }
}

/// An undecided case must not become a document through another path.
#[test]
fn only_a_report_calls_a_renderer() {
    // Any other use of the word is wrong: as a path, as a value, on another receiver.
    let wrong = |text: &str| {
        // Without comments and line breaks, so that formatting cannot hide a call.
        let code = text.lines().map(|l| l.split("//").next().unwrap());
        let flat: String = code.flat_map(str::split_whitespace).collect();
        let allowed = [
            "=report.render(form.renderer())",
            "=report.render(destination.form.renderer())",
        ];
        let seen: usize = allowed.iter().map(|a| flat.matches(a).count()).sum();
        flat.matches("renderer").count() != seen
    };
    for file in sources().into_iter().filter(|f| {
        f.starts_with("crates/")
            && f.contains("/src/")
            && !f.starts_with("crates/edges/formats/")
            && f != "crates/foundation/casework/src/report.rs"
    }) {
        assert!(
            !wrong(&read(&root().join(&file))),
            "{file} calls a renderer itself; ask obhut_app::reports for a draft, or render a Report: `report.render(form.renderer())`"
        );
    }
    // Ways around the rule that would otherwise pass.
    assert!(wrong("let bytes = (form.renderer())(&dossier);"));
    assert!(wrong("let write = destination.form.renderer();"));
    assert!(wrong("let bytes = Form::renderer(form)(&dossier);"));
    assert!(wrong("let all = forms.iter().map(Form::renderer);"));
    assert!(wrong("let rendered = my_report.render(form.renderer());"));
    assert!(!wrong(
        "let rendered = report\n    .render(form.renderer());"
    ));
}
