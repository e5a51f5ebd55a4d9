//! Over HTTP: authorities' requests and their deadlines, who may acknowledge a retraction, second
//! appeals, proofs of erasure, and the provider's own data.

use obhut_app::casework;
use obhut_app::casework::*;
use serde_json::{Value, json};

mod bench;

use bench::http::Bench;

/// Keys of a reviewer, an officer, an administrator and a person who decides appeals only.
async fn keys(b: &Bench) -> [String; 4] {
    let both = [Right::Cases, Right::Decide];
    let mut keys = Vec::new();
    for (name, role) in [
        ("Rita", Role::Reviewer),
        ("Olga", Role::ReportingOfficer),
        ("Adam", Role::Administrator),
        ("Nina", Role::Appeals),
    ] {
        let person = b.person(name, role).await;
        keys.push(b.key(&both, Some(&person)).await);
    }
    keys.try_into().unwrap()
}

async fn new_case(b: &Bench) -> String {
    let intake = b.key(&[Right::Intake], None).await;
    let facts = json!({ "facts": { "incident": "material", "reported": { "id": "user-1" } }, "files": [{ "content": "aGVsbG8=", "name": "a.txt" }] });
    let (status, made) = b.call(&intake, "POST", "/v1/cases", &facts).await;
    assert_eq!(status, 200, "{made}");
    made["case"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_s_request_is_recorded_extended_and_answered() {
    let b = bench::http::bench().await;
    let [rita, olga, ..] = keys(&b).await;
    let case = new_case(&b).await;
    let requests = format!("/v1/cases/{case}/requests");
    let asked = json!({ "authority": "Court of Bonn", "reference": "12 Js 3", "due_at": "2100-01-01T00:00:00Z" });
    let mut vague = asked.clone();
    vague["due_at"] = json!("next week");
    let mut unknown = asked.clone();
    unknown["process"] = json!("exhibit-none");
    for (key, body, status) in [
        (&rita, &asked, 403),
        (&olga, &vague, 422),
        (&olga, &unknown, 404),
        (
            &olga,
            &json!({ "authority": " ", "due_at": "2100-01-01T00:00:00Z" }),
            422,
        ),
    ] {
        let (given, said) = b.call(key, "POST", &requests, body).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    let (status, made) = b.call(&olga, "POST", &requests, &asked).await;
    assert_eq!(status, 200, "{made}");
    let deadline = made["deadline"].as_str().unwrap();

    let path = format!("/v1/deadlines/{deadline}");
    let end = format!("{path}/end");
    let later = json!({ "due_at": "2101-01-01T00:00:00Z", "reason": "agreed by telephone" });
    let earlier = json!({ "due_at": "2099-01-01T00:00:00Z", "reason": "sooner" });
    let answered = json!({ "reason": "answered by letter" });
    for (method, path, body, status) in [
        ("PATCH", path.as_str(), &earlier, 409),
        ("PATCH", &path, &later, 204),
        ("POST", &end, &json!({ "reason": " " }), 422),
        ("POST", &end, &answered, 204),
        ("POST", &end, &answered, 409),
        ("POST", "/v1/deadlines/deadline-none/end", &answered, 404),
    ] {
        let (given, said) = b.call(&olga, method, path, body).await;
        assert_eq!(given, status, "{method} {path} {body}: {said}");
    }

    let list = format!("/v1/cases/{case}/deadlines");
    let of_request = |all: Value| -> Option<Value> {
        let all = all.as_array().unwrap();
        all.iter().find(|d| d["id"] == *deadline).cloned()
    };
    let (_, running) = b.call(&rita, "GET", &list, &Value::Null).await;
    assert_eq!(of_request(running), None, "it has ended");
    let (_, all) = b
        .call(&rita, "GET", &format!("{list}?all=true"), &Value::Null)
        .await;
    let found = of_request(all.clone()).unwrap();
    assert_eq!(found["due_at"], "2101-01-01T00:00:00Z");
    assert_eq!(found["ended_because"], "answered by letter");
    assert!(
        !all.to_string().contains("12 Js 3"),
        "a list shows no reference"
    );
    let unknown = b
        .call(&rita, "GET", "/v1/cases/case-none/deadlines", &Value::Null)
        .await;
    assert_eq!(unknown.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_appeal_is_admitted_and_the_erasure_proven() {
    let b = bench::http::bench().await;
    let [rita, olga, adam, nina] = keys(&b).await;
    let case = new_case(&b).await;
    let post = async |key: &str, path: &str, body: Value| b.call(key, "POST", path, &body).await;
    let proof = format!("/v1/cases/{case}/proof");
    assert_eq!(b.call(&rita, "GET", &proof, &Value::Null).await.0, 409);

    let reason = |why: &str| json!({ "reason": why });
    let appeals = format!("/v1/cases/{case}/appeals");
    let ruling = json!({ "ruling": "report", "grounds": "as assessed", "category": { "scale": "ncmec", "value": "A1" } });
    let decided = post(&rita, &format!("/v1/cases/{case}/decisions"), ruling).await;
    assert_eq!(decided.0, 200, "{decided:?}");
    // The first appeal is rejected; a second is admitted by a person who had no part in the case.
    let (status, first) = post(&rita, &appeals, reason("it is art")).await;
    assert_eq!(status, 200, "{first}");
    let decide =
        |appeal: &Value| format!("/v1/appeals/{}/decision", appeal["id"].as_str().unwrap());
    let rejected = json!({ "outcome": "rejected", "grounds": "it isn't" });
    assert_eq!(post(&nina, &decide(&first), rejected).await.0, 200);
    assert_eq!(post(&rita, &appeals, reason("again")).await.0, 409);
    assert_eq!(
        post(&nina, &appeals, reason("again")).await.0,
        403,
        "files none"
    );
    let admit = json!({ "reason": "a birth certificate", "admit": true });
    for (key, status) in [(&rita, 409), (&nina, 409), (&adam, 403), (&olga, 200)] {
        let (given, said) = post(key, &appeals, admit.clone()).await;
        assert_eq!(given, status, "{said}");
    }
    let second = &b.call(&rita, "GET", "/v1/appeals", &Value::Null).await.1[0];
    let upheld = json!({ "outcome": "upheld", "grounds": "an adult" });
    // Nina decided the first appeal, so she can't decide the second.
    let (status, said) = post(&nina, &decide(second), upheld.clone()).await;
    assert_eq!(status, 409, "{said}");
    let ida = b.person("Ida", Role::Appeals).await;
    let ida = b.key(&[Right::Cases, Right::Decide], Some(&ida)).await;
    let (status, said) = post(&ida, &decide(second), upheld).await;
    assert_eq!(status, 200, "{said}");

    let (status, shown) = b.call(&rita, "GET", &proof, &Value::Null).await;
    assert_eq!(status, 200, "{shown}");
    assert!(!shown["erased"].as_array().unwrap().is_empty(), "{shown}");
    assert!(
        shown["log_root"].as_str().is_some_and(|r| r.len() == 64),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_retraction_under_way_is_acknowledged() {
    let b = bench::http::bench().await;
    let [rita, olga, ..] = keys(&b).await;
    let how = json!({ "how": "NCA, by mail of 3 May" });
    let unknown = "/v1/reports/report-none/acknowledgement";
    for (key, path, body, status) in [
        (&rita, unknown, &how, 403),
        (&olga, unknown, &how, 404),
        (&olga, unknown, &json!({ "how": " " }), 422),
        (&olga, unknown, &json!({}), 400),
    ] {
        let (given, said) = b.call(key, "POST", path, body).await;
        assert_eq!(given, status, "{body}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_keeps_the_provider_s_data() {
    let b = bench::http::bench().await;
    let [rita, _, adam, _] = keys(&b).await;
    let path = "/v1/settings/reporter";
    for (key, body, status) in [
        (&rita, json!({ "service": "Example" }), 403),
        (&adam, json!({ "email": "nowhere" }), 422),
        (&adam, json!({ "contact_email": "nowhere" }), 422),
        (&adam, json!({ "legal_url": "our page" }), 422),
        (
            &adam,
            json!({ "legal_url": "https://example.org/legal" }),
            200,
        ),
        (&adam, json!({ "nca_duty": "maybe" }), 400),
        (&adam, json!({ "nonsense": 1 }), 400),
        (
            &adam,
            json!({ "service": "Example", "email": "trust@example.com", "nca_duty": "uk-provider" }),
            200,
        ),
        (&adam, json!({ "nca_duty": "" }), 200),
    ] {
        let (given, said) = b.call(key, "PATCH", path, &body).await;
        assert_eq!(given, status, "{body}: {said}");
    }
    assert_eq!(b.call(&rita, "GET", path, &Value::Null).await.0, 403);
    let (status, now) = b.call(&adam, "GET", path, &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(now["service"], "Example");
    assert_eq!(now["email"], "trust@example.com");
    assert_eq!(now["nca_duty"], Value::Null);
    let audited = casework::audit(&b.casework, Some("reporter"))
        .await
        .unwrap();
    assert_eq!(audited.len(), 3, "one row for each change");
}

/// Half of eight changes made at the same time were once lost.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_provider_s_data_at_the_same_time_are_all_kept() {
    let b = bench::http::bench().await;
    let [_, _, adam, _] = keys(&b).await;
    let fields = [
        "service",
        "first_name",
        "last_name",
        "company_template",
        "terms_of_service",
        "industry_agreement",
        "nca_unreported",
    ];
    let path = "/v1/settings/reporter";
    let bodies: Vec<_> = fields.iter().map(|f| json!({ *f: *f })).collect();
    let sent = bodies.iter().map(|body| b.call(&adam, "PATCH", path, body));
    for (status, said) in futures::future::join_all(sent).await {
        assert_eq!(status, 200, "{said}");
    }
    let (_, now) = b.call(&adam, "GET", path, &Value::Null).await;
    for field in fields {
        assert_eq!(now[field], field, "{now}");
    }
}
