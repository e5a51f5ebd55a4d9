//! Case facts of every shape the case file's own schema allows, valid and hostile values mixed.

use serde_json::{Map, Value, json};

/// A deterministic random generator (xorshift64*).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        let mut x = self.0;
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Random facts as JSON that the case file's schema allows.
pub fn facts(schema: &Value, seed: u64) -> Value {
    // Never 0: xorshift would stay there.
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    // One in ten has every field; the others exercise combinations of missing ones.
    let full = chance.below(10) == 0;
    let sparse = if full { 1 } else { 2 + chance.below(6) };
    value(
        &schema["$defs"]["Facts"],
        schema,
        &mut chance,
        sparse,
        0,
        "",
    )
}

fn value(
    schema: &Value,
    root: &Value,
    chance: &mut Chance,
    sparse: usize,
    depth: usize,
    name: &str,
) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.rsplit('/').next().unwrap();
        // `address` is an e-mail address in an Email, and an IP address elsewhere.
        let name = if target == "Email" { "Email" } else { name };
        return value(&root["$defs"][target], root, chance, sparse, depth, name);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(all) = schema[key].as_array() {
            let real: Vec<&Value> = all.iter().filter(|s| s["type"] != "null").collect();
            let one = *chance.pick(&real);
            return value(one, root, chance, sparse, depth, name);
        }
    }
    if let Some(all) = schema["enum"].as_array() {
        return chance.pick(all).clone();
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find(|k| *k != "null")
            .and_then(Value::as_str)
            .unwrap_or("null"),
        other => other.as_str().unwrap_or("null"),
    };
    match kind {
        "object" => {
            let mut out = Map::new();
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for (field, inner) in schema["properties"].as_object().into_iter().flatten() {
                // Accounts contain accounts, so the depth is bounded.
                let too_deep = depth > 6 && !required.contains(&field.as_str());
                if too_deep || (!required.contains(&field.as_str()) && chance.below(sparse) != 0) {
                    continue;
                }
                let field_name = match (name, field.as_str()) {
                    ("Email", "address") => "email",
                    (_, field) => field,
                };
                out.insert(
                    field.clone(),
                    value(inner, root, chance, sparse, depth + 1, field_name),
                );
            }
            let more = &schema["additionalProperties"];
            if more.is_object() && chance.below(2) == 0 {
                let made = value(more, root, chance, sparse, depth + 1, name);
                out.insert("file".into(), made);
            }
            Value::Object(out)
        }
        "array" => {
            if let Some(parts) = schema["prefixItems"].as_array() {
                return parts
                    .iter()
                    .map(|p| value(p, root, chance, sparse, depth + 1, name))
                    .collect();
            }
            let many = chance.below(3);
            (0..many)
                .map(|_| value(&schema["items"], root, chance, sparse, depth + 1, name))
                .collect()
        }
        "string" => text(schema, chance, name).into(),
        // At the limits: ports end at 65,535, ages at 150.
        "integer" => chance
            .pick(&[0_i64, 1, 7, 12, 40, 443, 65_535, 65_536, -1, 151, 4_564_654])
            .to_owned()
            .into(),
        "number" => json!(
            chance
                .pick(&[0.0, 52.5, -179.99, 91.0, 1e-9, 123_456.789])
                .to_owned()
        ),
        "boolean" => (chance.below(2) == 0).into(),
        _ => Value::Null,
    }
}

fn text(schema: &Value, chance: &mut Chance, name: &str) -> String {
    if schema["format"] == "date-time" && chance.below(4) != 0 {
        return chance
            .pick(&[
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05.678+02:00",
                "2025-12-31T23:59:59-11:30",
            ])
            .to_string();
    }
    let valid = match name {
        "country" | "user_country" | "provider_country" | "process_country" => "DE",
        "state" => "NY",
        "born" => "2001-02-03",
        "at" | "verified_at" | "user_told_at" | "reopened_at" | "uploaded_at" => {
            "2026-01-02T03:04:05Z"
        }
        "address" => "192.0.2.7",
        "urls" | "profile_urls" | "url" => "https://example.com/a?b=1&c=2",
        "event" => "Upload",
        "country_code" => "+49",
        "extension" => "12",
        "kind" => "Home",
        "tie" => "Linked",
        "email" => "j@example.com",
        "annotations" => chance.pick(&[
            "viral",
            "potentialMeme",
            "animeDrawingVirtualHentai",
            "possibleSelfProduction",
            "physicalHarm",
            "violenceGore",
            "bestiality",
            "liveStreaming",
            "infant",
            "generativeAi",
        ]),
        _ => "Beispiel & <Söhne>",
    };
    if chance.below(3) != 0 {
        return valid.to_owned();
    }
    // Characters that XML doesn't allow, mark-up, text direction, combining characters, near misses
    // of each format.
    let nasty = [
        "",
        " ",
        "a\u{1}b\u{0}c",
        "]]><x>&amp;",
        "\u{202e}evil",
        "zeile\neins\r\nzwei\tdrei",
        "漢字 Жанна 🦊 e\u{301}",
        "https://example.com/white space",
        "not an address",
        "2026-13-45",
        "yesterday",
        "ZZ",
        "de",
        "+4912345",
        "999.1.1.1",
        "a@b",
        "x@",
        "\u{fffe}\u{ffff}",
        "0",
        "true",
        "é",
    ];
    match chance.below(12) {
        0 => "x".repeat(3_500),
        1 => format!("{}@example.com", "l".repeat(70)),
        2 => format!("https://example.com/{}", "p".repeat(2_100)),
        _ => chance.pick(&nasty).to_string(),
    }
}
