//! What every operation of the OpenAPI document has in common, so that no handler has to say it.

use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
/// The request headers that an operation reads besides the key.
const HEADERS: &[(&str, &[&str])] = &[
    (
        "/v1/screen",
        &[
            "Obhut-Account",
            "Obhut-File-Name",
            "Obhut-Upload",
            "Idempotency-Key",
        ],
    ),
    (
        "/v1/hooks/nginx",
        &[
            "Obhut-Account",
            "Obhut-Upload",
            "Obhut-Pass",
            "Obhut-Hold",
            "Obhut-Surface",
        ],
    ),
    ("/v1/payments", &["Obhut-Upload"]),
    ("/v1/cases/{case}/exhibits", &["Obhut-File-Name"]),
];

/// Adds the kind of key, for each operation a unique id and its request headers, the media of
/// bodies that aren't JSON, a description for each status, and the refusals that any body or path
/// can meet.
pub(super) fn completed(mut document: Value) -> Value {
    document["components"]["securitySchemes"]["key"] =
        json!({ "type": "http", "scheme": "bearer" });
    // Served too: nginx mirrors the method of the upload.
    let hook = &mut document["paths"]["/v1/hooks/nginx"];
    hook["put"] = hook["post"].clone();
    let paths = document["paths"].as_object_mut();
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(path, method, operation);
        }
    }
    document
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let words = path.split(['/', '{', '}', '.']).filter(|w| !w.is_empty());
    let id: Vec<&str> = std::iter::once(method).chain(words).collect();
    operation["operationId"] = id.join("_").into();
    let named = HEADERS
        .iter()
        .filter(|h| h.0 == path && (method == "post" || method == "put"))
        .flat_map(|h| h.1);
    let named = named.map(|name| {
        json!({ "name": name, "in": "header", "required": false, "schema": { "type": "string" },
            "description": "See the operation's description" })
    });
    let mut parameters = operation["parameters"].take();
    let listed = parameters.as_array_mut().map(std::mem::take);
    operation["parameters"] = listed
        .unwrap_or_default()
        .into_iter()
        .chain(named)
        .collect();
    let mut more = Vec::new();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    if parameters.clone().any(|p| p["in"] == "path") {
        more.push("400");
    }
    if let Some(body) = operation.get_mut("requestBody") {
        more.extend(["400", "413", "415"]);
        set_media(&mut body["content"]);
    }
    let responses = operation["responses"].as_object_mut();
    let Some(responses) = responses else { return };
    for status in more {
        responses.entry(status).or_insert_with(|| {
            let error = json!({ "schema": { "$ref": "#/components/schemas/ErrorBody" } });
            json!({ "content": { JSON: error } })
        });
    }
    for (status, response) in responses {
        let said = response["description"].as_str().unwrap_or_default();
        if said.is_empty() {
            response["description"] = meaning(status).into();
        }
        if response.get("content").is_some() {
            set_media(&mut response["content"]);
        }
    }
}

/// Describes a body of bytes as binary, not as a list of numbers.
fn set_media(content: &mut Value) {
    let binary = json!({ "type": "string", "format": "binary" });
    let text = json!({ "type": "string" });
    for (media, content) in content.as_object_mut().unwrap_or(&mut Map::new()) {
        match media.as_str() {
            JSON | "application/schema+json" | "application/xml" | "text/plain" => {}
            "multipart/form-data" => {
                content["schema"] = json!({
                    "type": "object",
                    "required": ["file"],
                    "properties": { "file": binary, "account": text, "upload": text },
                });
            }
            _ => content["schema"] = binary.clone(),
        }
    }
}

/// What a status means wherever an operation doesn't say more.
fn meaning(status: &str) -> &'static str {
    match status {
        "200" | "201" => "Done",
        "204" => "Done, without a body",
        "400" => "The request can't be read",
        "401" => "No key, or one that isn't valid",
        "403" => "The key, or its person, lacks the right",
        "404" => "Not found",
        "409" => "A rule refuses it",
        "413" => "The body is too long",
        "415" => "The body isn't of the right media type",
        "422" => "A value isn't valid",
        "429" => "Too many requests; try again later",
        "502" => "Another service doesn't answer",
        "503" => "Not possible now; try again later",
        _ => "The server failed; its log has the cause",
    }
}
