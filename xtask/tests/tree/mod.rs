//! The project's files and crates, for the tests of its structure.

#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of a crate → the workspace crates it may import. The kernels import none.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("kernels/hash", &[]),
    ("kernels/index", &[]),
    ("kernels/typologies", &[]),
    ("kernels/chain", &[]),
    ("kernels/decode", &[]),
    ("foundation/vault", &[]),
    ("foundation/facts", &[]),
    ("foundation/store", &["vault", "facts"]),
    ("foundation/casework", &["hash", "vault", "facts", "store"]),
    (
        "domains/media",
        &[
            "casework", "facts", "store", "vault", "hash", "index", "decode",
        ],
    ),
    (
        "domains/payments",
        &["casework", "facts", "vault", "typologies"],
    ),
    ("domains/bitcoin", &["casework", "facts", "chain"]),
    ("domains/intake", &["casework", "facts", "index", "vault"]),
    ("edges/formats", &["facts", "typologies"]),
    (
        "edges/fakes",
        &["chain", "facts", "formats", "hash", "typologies"],
    ),
    ("edges/partners", &["casework", "formats", "hash"]),
    (
        "app",
        &[
            "casework", "media", "payments", "bitcoin", "intake", "formats", "partners",
        ],
    ),
    ("server", &["app"]),
    ("cli", &["hash", "decode", "app", "server", "fakes"]),
];

/// The last part of a crate's folder, which is its name.
pub fn name_of(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap()
}

/// The folder of a crate.
pub fn folder_of(name: &str) -> &'static str {
    LAYERS
        .iter()
        .map(|(folder, _)| *folder)
        .find(|folder| name_of(folder) == name)
        .unwrap_or_else(|| panic!("{name} isn't a crate of LAYERS"))
}

pub fn root() -> PathBuf {
    // Read at run time: two checkouts may share a build folder, and with it this test.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the folder");
    Path::new(&here).parent().unwrap().to_owned()
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files below the folder `below`, as paths relative to the project; build output is left out.
pub fn files(below: &str) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() {
                // Also target folders with a suffix, which several toolchains or peers leave.
                if !name.to_string_lossy().starts_with("target") && name != ".git" {
                    walk(&path, root, out);
                }
            } else {
                out.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_string_lossy()
                        .replace('\\', "/"),
                );
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join(below), &root(), &mut out);
    out.sort();
    out
}

pub fn sources() -> Vec<String> {
    files("")
        .into_iter()
        .filter(|f| f.ends_with(".rs"))
        .collect()
}

pub fn manifest(name: &str) -> toml::Table {
    read(
        &root()
            .join("crates")
            .join(folder_of(name))
            .join("Cargo.toml"),
    )
    .parse()
    .unwrap()
}

/// Names of the crates that a manifest depends on, including those of build scripts and of single
/// platforms, but not those of tests.
pub fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    // Build scripts count: they run on the developer's machine. Dependencies of tests do not.
    let tables = |of: &toml::Table| -> BTreeSet<String> {
        ["dependencies", "build-dependencies"]
            .iter()
            .filter_map(|name| of.get(*name).and_then(|d| d.as_table()))
            .flat_map(|t| t.iter())
            // Under another name it is still the same crate.
            .map(|(name, about)| {
                about
                    .get("package")
                    .and_then(|p| p.as_str())
                    .unwrap_or(name)
                    .to_owned()
            })
            .collect()
    };
    let mut all = tables(manifest);
    // A dependency of one platform is a dependency all the same.
    for target in manifest
        .get("target")
        .and_then(|t| t.as_table())
        .into_iter()
        .flat_map(|t| t.values())
        .filter_map(|t| t.as_table())
    {
        all.extend(tables(target));
    }
    all
}
