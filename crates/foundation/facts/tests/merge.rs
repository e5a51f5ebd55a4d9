//! What a domain contributes to a case never turns a child into the person reported.

use obhut_facts::Facts;
use serde_json::{Value, json};

fn check(own: &Value, part: &Value, expected: &Value) {
    let read = |v: &Value| Facts::from_json(v.to_string().as_bytes()).unwrap();
    let mut facts = read(own);
    facts.merge(read(part));
    assert_eq!(facts, read(expected), "{own} + {part}");
}

#[test]
fn a_child_is_never_made_the_person_reported() {
    let (a, b) = (json!({ "id": "a" }), json!({ "id": "b" }));
    for (own, part, expected) in [
        (
            json!({}),
            json!({ "reported": a }),
            json!({ "reported": a }),
        ),
        (
            json!({ "victims": [a] }),
            json!({ "reported": a }),
            json!({ "victims": [a] }),
        ),
        (
            json!({ "reported": a }),
            json!({ "victims": [a, b] }),
            json!({ "reported": a, "victims": [b] }),
        ),
        // Both in one part: the child used to be dropped from the victims and reported.
        (
            json!({}),
            json!({ "reported": a, "victims": [a] }),
            json!({ "victims": [a] }),
        ),
        // The same child twice in one part.
        (
            json!({}),
            json!({ "victims": [b, b] }),
            json!({ "victims": [b] }),
        ),
    ] {
        check(&own, &part, &expected);
    }
}
