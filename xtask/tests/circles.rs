//! Tests that the top-level modules of a crate form no dependency cycle, by their `crate::module`
//! paths; and that inherent impls are in the type's own module, because methods are dependencies
//! that paths don't show.

mod tree;

use std::collections::{BTreeMap, BTreeSet};

use tree::{LAYERS, files, read, root};

/// Top-level module → source of its files, without comments and tests.
type Modules = BTreeMap<String, String>;

/// The modules of a crate, and its root as `lib`. Binaries and `main.rs` are left out.
fn modules(src: &str) -> Modules {
    let mut all = Modules::new();
    for file in files(src).into_iter().filter(|f| f.ends_with(".rs")) {
        let inner = file.strip_prefix(&format!("{src}/")).unwrap();
        let top = inner.split('/').next().unwrap().trim_end_matches(".rs");
        // A binary is not imported by anything, so it is in no cycle; nor is a file of tests.
        if top != "bin" && top != "main" && !inner.ends_with("/tests.rs") {
            let text = code(&read(&root().join(&file)));
            // In a top-level file, `super` is the crate root.
            let text = match inner.contains('/') {
                false => text.replace("super::", "crate::"),
                true => text,
            };
            all.entry(top.to_owned()).or_default().push_str(&text);
        }
    }
    all
}

/// Without line comments, and without the tests at the end.
fn code(text: &str) -> String {
    // Tests may use anything of their crate.
    let tests = text
        .find("#[cfg(test)]\nmod ")
        .or(text.find("#[cfg(test)]\npub(crate) mod "));
    text[..tests.unwrap_or(text.len())]
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The names that follow `crate::`, including each name of a group in braces.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let first = |part: &str| -> String {
            let part = part.trim_start();
            part.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first(rest));
            continue;
        };
        let (mut depth, mut part) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(first(&part));
                    part.clear();
                    continue;
                }
                _ => {}
            }
            part.push(c);
        }
        names.insert(first(&part));
    }
    names
}

/// A dependency cycle, if there is one.
fn circle(all: &Modules) -> Option<Vec<String>> {
    let edges: BTreeMap<&str, BTreeSet<String>> = all
        .iter()
        .filter(|(name, _)| *name != "lib")
        .map(|(name, text)| {
            let mut to = named(text);
            to.retain(|other| other != name && other != "lib" && all.contains_key(other));
            (name.as_str(), to)
        })
        .collect();
    fn walk(
        at: &str,
        edges: &BTreeMap<&str, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        // A module that is still on the path closes a cycle; one that is done has already been
        // checked.
        if let Some(from) = way.iter().position(|m| m == at) {
            return Some(way[from..].to_vec());
        }
        if !done.insert(at.to_owned()) {
            return None;
        }
        way.push(at.to_owned());
        let found = edges[at]
            .iter()
            .find_map(|next| walk(next, edges, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    edges
        .keys()
        .find_map(|m| walk(m, &edges, &mut Vec::new(), &mut done))
}

/// The module and the type of each inherent impl outside the type's module.
fn strayed(all: &Modules) -> Vec<(String, String)> {
    let mut homes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (module, text) in all {
        let words: Vec<&str> = text.split_whitespace().collect();
        // The macro `words!` defines these enums, so no `enum` precedes their names.
        for three in words.windows(3).filter(|w| w[0] == "words!") {
            homes.entry(three[2].to_owned()).or_default().insert(module);
        }
        for pair in words.windows(2) {
            if ["struct", "enum", "union"].contains(&pair[0]) {
                let name: String = pair[1]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                homes.entry(name).or_default().insert(module);
            }
        }
    }
    let mut wrong = Vec::new();
    for (module, text) in all {
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("impl") else {
                continue;
            };
            // Trait impls may be anywhere: the trait's module or the type's.
            if rest.contains(" for ") || rest.contains(" for<") {
                continue;
            }
            // Skips the impl's own generic parameters.
            let rest = match rest.strip_prefix('<') {
                None => rest,
                Some(inner) => {
                    let mut depth = 1;
                    let end = inner.find(|c| {
                        depth += i32::from(c == '<') - i32::from(c == '>');
                        depth == 0
                    });
                    end.map_or(inner, |end| &inner[end + 1..])
                }
            };
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if homes
                .get(&name)
                .is_some_and(|at| !at.contains(module.as_str()))
            {
                wrong.push((module.clone(), name));
            }
        }
    }
    wrong
}

#[test]
fn modules_name_one_another_in_no_circle() {
    for (folder, _) in LAYERS {
        let all = modules(&format!("crates/{folder}/src"));
        let found = circle(&all);
        assert!(
            found.is_none(),
            "crates/{folder}: {} each name the next, and the last the first. Move what both need below both, or hand it in",
            found.unwrap().join(" → ")
        );
    }
}

#[test]
fn methods_are_where_their_type_is() {
    for (folder, _) in LAYERS {
        let wrong = strayed(&modules(&format!("crates/{folder}/src")));
        assert!(
            wrong.is_empty(),
            "crates/{folder}: {wrong:?} are methods outside their type's module. Make them functions, or a module below the type's"
        );
    }
}

/// The rules themselves, broken on purpose.
#[test]
fn a_circle_and_a_stray_method_are_noticed() {
    let made = |parts: &[(&str, &str)]| -> Modules {
        parts
            .iter()
            .map(|(m, t)| ((*m).to_owned(), code(t)))
            .collect()
    };
    let straight = made(&[
        ("a", "use crate::{b::{self, X}, Root};\nfn f() {}\n"),
        ("b", "use crate::c;\npub struct X;\nimpl X {}\n"),
        (
            "c",
            "// not crate::a\nimpl<T> From<T> for Y {}\n#[cfg(test)]\nmod tests { use crate::a; }\n",
        ),
        ("lib", "mod a;\n"),
    ]);
    assert_eq!(circle(&straight), None);
    assert!(strayed(&straight).is_empty());
    for back in [
        "use crate::a;\n",
        "use crate::{\n    a::{self},\n};\n",
        "fn f() { crate::a::f() }\n",
    ] {
        let mut round = straight.clone();
        round.insert("c".into(), back.into());
        assert_eq!(circle(&round).map(|c| c.len()), Some(3), "{back}");
    }
    for stray in ["impl X {\n", "impl<'a, T: Into<Y>> X<'a, T> {\n"] {
        let mut with = straight.clone();
        with.insert("d".into(), stray.into());
        assert_eq!(
            strayed(&with),
            [("d".to_owned(), "X".to_owned())],
            "{stray}"
        );
    }
}
