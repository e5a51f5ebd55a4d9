//! What each format of incoming reports becomes, field by field. Every sample is invented. The
//! reporter's names differ from the suspect's, so that a snapshot shows at a glance when the
//! reporter becomes the suspect.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use obhut_formats::incoming::{read, split};
use serde_json::Value;

/// What was read, without what is empty.
fn shown(bytes: &[u8]) -> String {
    let given = read(bytes);
    let mut out = format!("{}, understood: {}", given.format, given.understood);
    if let Some(why) = &given.unreadable {
        let _ = write!(out, "\nunreadable: {why}");
    }
    if let Some(number) = &given.number {
        let _ = write!(out, "\nnumber {number}");
    }
    for (kind, digest) in &given.digests {
        let _ = write!(out, "\n{kind} {digest}");
    }
    if !given.near.is_empty() {
        let _ = write!(out, "\n{} near digests", given.near.len());
    }
    let mut facts = serde_json::to_value(given.facts.expose()).unwrap();
    let mut lines = Vec::new();
    leaves(&mut facts, "", &mut lines);
    for line in lines {
        let _ = write!(out, "\n{line}");
    }
    out
}

/// One line for each value that says something, with its path.
fn leaves(value: &mut Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                leaves(inner, &path, out);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter_mut().enumerate() {
                leaves(inner, &format!("{path}[{n}]"), out);
            }
        }
        // `false` is the default of every account's flags.
        Value::Bool(false) => {}
        other => out.push(format!("{path}: {other}")),
    }
}

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&shown(text.as_bytes()));
}

#[test]
fn mastodon_reports_the_target_and_not_the_account() {
    check(
        r#"{"id": "17", "comment": "he asked for pictures",
            "account": {"id": "900", "username": "reporter", "email": "reporter@example.org", "ip": "192.0.2.200"},
            "target_account": {"id": "41", "username": "target", "email": "target@example.org", "ip": "192.0.2.41",
                "ips": [{"ip": "192.0.2.42", "used_at": "2026-11-01T10:00:00Z"}],
                "account": {"username": "target", "acct": "target@example.org", "display_name": "T", "url": "https://example.org/@target"}},
            "statuses": [{"id": "5", "url": "https://example.org/@target/5", "content": "a post",
                "media_attachments": [{"url": "https://example.org/m/5.png"}]}]}"#,
        &expect![[r#"
            mastodon, understood: true
            number 17
            note: "he asked for pictures\na post"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/@target/5"
            places[0].urls[1]: "https://example.org/m/5.png"
            reported.display_names[0]: "T"
            reported.id: "41"
            reported.ip_events[0].address: "192.0.2.42"
            reported.ip_events[0].at: "2026-11-01T10:00:00Z"
            reported.person.emails[0].address: "target@example.org"
            reported.profile_urls[0]: "https://example.org/@target"
            reported.screen_name: "target""#]],
    );
    // Without the administrator's view, the inner account is missing and there is one IP address.
    check(
        r#"{"id": "18", "account": {"id": "900"}, "target_account": {"id": "42", "username": "other", "ip": "192.0.2.43"}, "statuses": []}"#,
        &expect![[r#"
            mastodon, understood: true
            number 18
            reported.id: "42"
            reported.ip_events[0].address: "192.0.2.43"
            reported.screen_name: "other""#]],
    );
}

#[test]
fn lemmy_reports_the_creator_of_the_post_and_not_of_the_report() {
    check(
        r#"{"post_report": {"id": 7, "reason": "a child", "published": "2026-11-02T09:00:00Z",
                "original_post_name": "a title", "original_post_body": "a body", "original_post_url": "https://example.org/p/1"},
            "post": {"ap_id": "https://example.org/post/1", "url": "https://example.org/p/1"},
            "creator": {"id": 900, "name": "reporter", "actor_id": "https://example.org/u/reporter"},
            "post_creator": {"id": 41, "name": "target", "display_name": "T", "actor_id": "https://example.org/u/target"}}"#,
        &expect![[r#"
            lemmy, understood: true
            number 7
            note: "a child\na title\na body"
            occurred_at: "2026-11-02T09:00:00Z"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/post/1"
            places[0].urls[1]: "https://example.org/p/1"
            reported.display_names[0]: "T"
            reported.id: "41"
            reported.profile_urls[0]: "https://example.org/u/target"
            reported.screen_name: "target""#]],
    );
    check(
        r#"{"comment_report": {"id": 8, "reason": "r", "original_comment_text": "a comment"},
            "comment": {"ap_id": "https://example.org/comment/2"}, "creator": {"name": "reporter"}, "comment_creator": {"id": 42, "name": "other"}}"#,
        &expect![[r#"
            lemmy, understood: true
            number 8
            note: "r\na comment"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/comment/2"
            reported.id: "42"
            reported.screen_name: "other""#]],
    );
    // Nothing says who wrote the message.
    check(
        r#"{"private_message_report": {"id": 9, "reason": "r"}, "creator": {"name": "reporter"}}"#,
        &expect![[r#"
            lemmy, understood: true
            number 9
            note: "r""#]],
    );
}

#[test]
fn an_activitypub_flag_reports_its_object_and_not_its_actor() {
    check(
        r#"{"type": "Flag", "id": "https://a.example/flags/1", "actor": "https://a.example/users/reporter", "content": "look",
            "published": "2026-11-03T08:00:00Z",
            "object": ["https://b.example/users/target", "https://b.example/users/target/statuses/5"]}"#,
        &expect![[r#"
            activitypub, understood: true
            number https://a.example/flags/1
            note: "look"
            occurred_at: "2026-11-03T08:00:00Z"
            places[0].place: "web-page"
            places[0].urls[0]: "https://b.example/users/target/statuses/5"
            reported.id: "https://b.example/users/target"
            reported.profile_urls[0]: "https://b.example/users/target""#]],
    );
    // A post alone names no account.
    check(
        r#"{"type": "Flag", "actor": "https://a.example/actor", "object": "https://b.example/notes/5", "summary": "s"}"#,
        &expect![[r#"
            activitypub, understood: true
            note: "s"
            places[0].place: "web-page"
            places[0].urls[0]: "https://b.example/notes/5""#]],
    );
    check(
        r#"{"type": "Flag", "actor": "https://a.example/actor", "object": [{"id": "https://b.example/u/target"}]}"#,
        &expect![[r#"
            activitypub, understood: true
            reported.id: "https://b.example/u/target"
            reported.profile_urls[0]: "https://b.example/u/target""#]],
    );
}

#[test]
fn the_at_protocol_reports_the_subject_and_not_who_reported() {
    check(
        r#"{"id": 3, "reasonType": "tools.ozone.report.defs#reasonChildSafetyGroom", "reason": "asks for age",
            "subject": {"$type": "com.atproto.repo.strongRef", "uri": "at://did:plc:target/app.bsky.feed.post/1", "cid": "x"},
            "reportedBy": "did:plc:reporter", "createdAt": "2026-11-04T07:00:00Z"}"#,
        &expect![[r#"
            atproto, understood: true
            number 3
            incident: "enticement"
            note: "asks for age"
            occurred_at: "2026-11-04T07:00:00Z"
            places[0].place: "web-page"
            places[0].urls[0]: "at://did:plc:target/app.bsky.feed.post/1"
            reported.id: "did:plc:target""#]],
    );
    for (reason, incident, tag) in [
        (
            "com.atproto.moderation.defs#reasonChildSafetyCSAM",
            "material",
            "",
        ),
        (
            "tools.ozone.report.defs#reasonChildSafetyGroom",
            "enticement",
            "",
        ),
        (
            "tools.ozone.report.defs#reasonChildSafetySextortion",
            "",
            "sextortion",
        ),
        ("com.atproto.moderation.defs#reasonSpam", "", ""),
    ] {
        let report = format!(
            r#"{{"reasonType": "{reason}", "subject": {{"did": "did:plc:target"}}, "reportedBy": "did:plc:reporter"}}"#
        );
        let given = read(report.as_bytes());
        let facts = given.facts.expose();
        assert_eq!(
            facts.incident.map_or("", |i| i.word()),
            incident,
            "{reason}"
        );
        assert_eq!(facts.tags.first().map_or("", |t| t.word()), tag, "{reason}");
        let who = facts.reported.as_ref().and_then(|a| a.id.as_deref());
        assert_eq!(who, Some("did:plc:target"));
    }
}

#[test]
fn an_ozone_divert_event_reports_the_subject_and_not_the_moderator() {
    check(
        r#"{"id": 5, "event": {"$type": "tools.ozone.moderation.defs#modEventDivert", "comment": "to the officers"},
            "subject": {"$type": "com.atproto.admin.defs#repoRef", "did": "did:plc:target"}, "subjectBlobCids": ["bafy1"],
            "createdBy": "did:plc:moderator", "createdAt": "2026-11-05T06:00:00Z"}"#,
        &expect![[r#"
            ozone, understood: true
            number 5
            note: "to the officers"
            occurred_at: "2026-11-05T06:00:00Z"
            places[0].place: "web-page"
            places[0].urls[0]: "ipld://bafy1"
            reported.id: "did:plc:target""#]],
    );
}

#[test]
fn ids_json_reports_its_people_and_not_the_provider() {
    check(
        r#"{"reportId": 200000009, "reportedInformation": {
            "reportingEsp": {"companyName": "Provider", "contactPerson": {"emails": ["legal@example.com"]}},
            "incidentSummary": {"incidentType": "Child Pornography (possession, manufacture, and distribution)",
                "incidentDateTime": "2026-11-06T05:00:00Z", "platform": "App", "escalateToHighPriority": "the child is in danger"},
            "reportedPeople": {"reportedPersons": [
                {"firstName": "A", "lastName": "B", "emails": ["target@example.org"], "phones": ["+1 555 0100"],
                 "screenNames": ["target", "second"], "espUserId": "41",
                 "sourceInformation": {"sourceCaptures": [
                    {"captureType": "IP Address", "value": "192.0.2.41", "eventName": "Upload", "dateTime": "2026-11-06T05:00:00Z", "port": "4433"},
                    {"captureType": "Device ID", "value": "not an address"}]}},
                {"espUserId": "42"}]},
            "uploadedFiles": {"uploadedFiles": [{"filename": "a.png", "verificationHash": "0123456789abcdef0123456789abcdef",
                "hashes": [{"type": "SHA1", "value": "0123456789abcdef0123456789abcdef01234567"}],
                "ncmecTags": {"groups": [{"tags": ["Infant/Toddler"]}]}}]},
            "additionalInformations": ["a note"]}}"#,
        &expect![[r#"
            ids, understood: true
            number 200000009
            md5 0123456789abcdef0123456789abcdef
            sha1 0123456789abcdef0123456789abcdef01234567
            also_reported[0].id: "42"
            files.00001.annotations[0]: "infant"
            files.00001.original_name: "a.png"
            incident: "material"
            note: "a note"
            occurred_at: "2026-11-06T05:00:00Z"
            platform: "App"
            reported.display_names[0]: "second"
            reported.id: "41"
            reported.ip_events[0].address: "192.0.2.41"
            reported.ip_events[0].at: "2026-11-06T05:00:00Z"
            reported.ip_events[0].event: "Upload"
            reported.ip_events[0].port: 4433
            reported.person.emails[0].address: "target@example.org"
            reported.person.first_name: "A"
            reported.person.last_name: "B"
            reported.person.phones[0].number: "+1 555 0100"
            reported.screen_name: "target"
            risks[0]: "infant"
            urgent_because: "the child is in danger""#]],
    );
    // The note says so if the kind of incident is unknown.
    check(
        r#"{"reportedInformation": {"incidentSummary": {"incidentType": "Something New"}}}"#,
        &expect![[r#"
            ids, understood: partly
            note: "Unknown type of incident: Something New""#]],
    );
}

#[test]
fn a_hotlines_list_is_one_report_a_row_and_its_server_no_suspect() {
    let list = "report_id;url;classification;age;gender;sadism;ip;country;domain;hotline;date\n\
                R1;https://host.example/a;baseline;Infant;F;yes;192.0.2.200;NL;host.example;Hotline;2026-11-07\n\
                R2;https://host.example/b;national;;;no;;;;Hotline;2026-11-08\n";
    let rows = split(list.as_bytes());
    assert_eq!(rows.len(), 2);
    expect![[r#"
        iccam, understood: true
        number R1
        files.001.annotations[0]: "infant"
        files.001.category.scale: "interpol-baseline"
        files.001.category.value: "baseline"
        incident: "material"
        note: "age: Infant; gender: F; hotline: Hotline"
        occurred_at: "2026-11-07"
        places[0].note: "hosted: ip 192.0.2.200, country NL, domain host.example"
        places[0].place: "web-page"
        places[0].third_party: true
        places[0].urls[0]: "https://host.example/a"
        risks[0]: "infant"
        tags[0]: "sadistic""#]]
    .assert_eq(&shown(&rows[0]));
    expect![[r#"
        iccam, understood: true
        number R2
        files.001.category.scale: "iccam"
        files.001.category.value: "national"
        incident: "material"
        note: "hotline: Hotline"
        occurred_at: "2026-11-08"
        places[0].place: "web-page"
        places[0].third_party: true
        places[0].urls[0]: "https://host.example/b""#]]
    .assert_eq(&shown(&rows[1]));
}

/// Regression: a child who spoke of suicide, and a caller with a contact block, became the suspect.
#[test]
fn an_account_that_may_be_the_childs_or_the_callers_is_not_reported() {
    for (note, account) in [
        (
            "Account: kidkim_12\nDringend: Mädchen, 12, will sich heute das Leben nehmen.",
            None,
        ),
        (
            "Account: tom9\nUrgent: the boy, 13, says he will kill himself tonight.",
            None,
        ),
        (
            "Name: Petra Melder\nE-Mail: p@e.example\nTelefon: 0171 555\nKonto: petra_m\nNachricht: Ich möchte boese88 melden.",
            None,
        ),
        (
            "Reported account: bad7\nUrgent: the boy, 13, says he will kill himself tonight.",
            Some("bad7"),
        ),
        (
            "Phone: 555\nSuspect's account: bad7\nHe wrote to her.",
            Some("bad7"),
        ),
        (
            "Account: bad7\nUrgent: he meets the girl, 12, tomorrow.",
            Some("bad7"),
        ),
        (
            r#"{"account": "kid_9", "text": "I am 12 and I want to kill myself tonight"}"#,
            None,
        ),
        (
            r#"{"account": "kid_9", "reported_account": "bad7", "text": "I am 12 and I want to kill myself"}"#,
            Some("bad7"),
        ),
    ] {
        let given = read(note.as_bytes());
        let facts = given.facts.expose();
        let reported = facts.reported.as_ref().and_then(|a| a.id.as_deref());
        assert_eq!(reported, account, "{note}");
        let stated = given.understood.to_string() == "true";
        assert_eq!(stated, account.is_some(), "{note}");
    }
}

/// Regression: a post became the suspect, and envelopes weren't read.
#[test]
fn an_author_is_reported_and_not_the_post_in_whatever_envelope() {
    let flag = r#"{"type": "Flag", "actor": "https://a.example/actor", "content": "c",
        "object": [{"type": "Note", "id": "https://b.example/n/1", "attributedTo": "https://b.example/users/bad"}]}"#;
    let expected = expect![[r#"
        activitypub, understood: true
        note: "c"
        places[0].place: "web-page"
        places[0].urls[0]: "https://b.example/n/1"
        reported.id: "https://b.example/users/bad"
        reported.profile_urls[0]: "https://b.example/users/bad""#]];
    check(flag, &expected);
    check(
        &format!(r#"{{"type": "Create", "object": {flag}}}"#),
        &expected,
    );
    check(
        r#"{"event": "report.created", "object": {"id": "7", "account": {"username": "teller"}, "target_account": {"id": "9", "username": "bad"}}}"#,
        &expect![[r#"
            mastodon, understood: true
            number 7
            reported.id: "9"
            reported.screen_name: "bad""#]],
    );
    check(
        r#"{"post_report_view": {"post_report": {"id": 3, "reason": "r"}, "creator": {"id": 1, "name": "teller"}, "post_creator": {"id": 2, "name": "bad"}}}"#,
        &expect![[r#"
            lemmy, understood: true
            number 3
            note: "r"
            reported.id: "2"
            reported.screen_name: "bad""#]],
    );
}

#[test]
fn xarf_names_an_account_only_where_it_says_whose() {
    check(
        r#"{"xarf_version": "4.2.0", "report_id": "x-1", "timestamp": "2026-11-09T04:00:00Z", "category": "content", "type": "csem",
            "reporter": {"org": "Reporter", "contact": "reporter@example.org"}, "source_identifier": "192.0.2.41", "source_port": 4433,
            "exploitation_type": "sextortion", "victim_age_range": "toddler", "platform": "App", "description": "d",
            "url": "https://example.org/p", "tags": ["risk:live_stream", "risk:self-production", "other"],
            "hash_values": {"sha256": "0000000000000000000000000000000000000000000000000000000000000001"},
            "perpetrator_indicators": {"account_id": "41", "ip_addresses": ["192.0.2.42"]}}"#,
        &expect![[r#"
            xarf, understood: true
            number x-1
            sha256 0000000000000000000000000000000000000000000000000000000000000001
            files.001.url: "https://example.org/p"
            incident: "enticement"
            note: "d"
            occurred_at: "2026-11-09T04:00:00Z"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/p"
            platform: "App"
            reported.id: "41"
            reported.ip_events[0].address: "192.0.2.41"
            reported.ip_events[0].at: "2026-11-09T04:00:00Z"
            reported.ip_events[0].port: 4433
            reported.ip_events[1].address: "192.0.2.42"
            risks[0]: "infant"
            risks[1]: "live-stream"
            risks[2]: "self-production"
            tags[0]: "sextortion""#]],
    );
    for (kind, incident, tag, risk) in [
        ("grooming", "enticement", "", ""),
        ("solicitation", "material", "solicitation", ""),
        ("trafficking", "trafficking", "", ""),
        ("production", "material", "", "new-material"),
        ("other", "material", "", ""),
    ] {
        let report = format!(
            r#"{{"xarf_version": "4.2.0", "category": "content", "type": "csem", "exploitation_type": "{kind}", "source_identifier": "host.example"}}"#
        );
        let given = read(report.as_bytes());
        let facts = given.facts.expose();
        assert_eq!(facts.incident.map_or("", |i| i.word()), incident, "{kind}");
        assert_eq!(facts.tags.first().map_or("", |t| t.word()), tag, "{kind}");
        assert_eq!(facts.risks.first().map_or("", |r| r.word()), risk, "{kind}");
        assert!(facts.reported.is_none(), "a host's name is no account");
    }
    // The older format with `ReporterInfo`, and the same about something else.
    check(
        r#"{"Version": "2", "ReporterInfo": {"ReporterOrg": "Reporter"}, "Report": {"ReportType": "ChildAbuse", "Date": "2026-11-10T03:00:00Z", "SourceIp": "192.0.2.41", "SourcePort": 80, "SourceUrl": "https://example.org/p"}}"#,
        &expect![[r#"
            xarf, understood: true
            files.001.url: "https://example.org/p"
            incident: "material"
            occurred_at: "2026-11-10T03:00:00Z"
            places[0].note: "its host: 192.0.2.41, port 80"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/p""#]],
    );
    check(
        r#"{"Version": "2", "ReporterInfo": {}, "Report": {"ReportType": "Spam"}}"#,
        &expect![[r#"
            unreadable, understood: false
            unreadable: it is XARF, but its ReportType isn't ChildAbuse"#]],
    );
    check(
        r#"{"xarf_version": "4.2.0", "category": "content", "type": "phishing"}"#,
        &expect!["xarf, understood: partly"],
    );
}

#[test]
fn a_notice_under_the_dsa_names_the_place_and_not_the_notifier() {
    check(
        r#"{"notice_id": "n-1", "good_faith": true, "date": "2026-11-11", "explanation": "what is there",
            "notifier": {"name": "Reporter", "email": "reporter@example.org"}, "urls": ["https://example.org/p", "https://example.org/q"]}"#,
        &expect![[r#"
            dsa-notice, understood: true
            number n-1
            note: "what is there"
            occurred_at: "2026-11-11"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/p"
            places[0].urls[1]: "https://example.org/q""#]],
    );
    // Regression: who wrote the content was dropped, and the notice counted as understood.
    check(
        r#"{"notice_id": "n-2", "good_faith": true, "category": "x", "content_author": {"account": "bad1", "username": "b"}}"#,
        &expect![[r#"
            dsa-notice, understood: partly
            number n-2
            reported.id: "bad1"
            reported.screen_name: "b""#]],
    );
}

#[test]
fn vics_media_link_by_all_their_digests() {
    check(
        r#"{"@odata.context": "http://github.com/ICMEC/ProjectVic/DataModels/2.0.xml#Cases", "value": [
            {"CaseNumber": "c-1", "Media": [
                {"MD5": "0123456789ABCDEF0123456789ABCDEF", "SHA1": "0123456789abcdef0123456789abcdef01234567",
                 "RelativeFilePath": "a\\b.png", "MimeType": "image/png", "Comments": "a remark", "Series": "S1",
                 "AlternativeHashes": [{"HashName": "SHA256", "HashValue": "0000000000000000000000000000000000000000000000000000000000000001"}]},
                {"MD5": "1123456789abcdef0123456789abcdef"}]}]}"#,
        &expect![[r#"
            vics, understood: true
            number c-1
            md5 0123456789abcdef0123456789abcdef
            sha1 0123456789abcdef0123456789abcdef01234567
            sha256 0000000000000000000000000000000000000000000000000000000000000001
            md5 1123456789abcdef0123456789abcdef
            files.00001.media_type: "image/png"
            files.00001.note: "a remark"
            files.00001.original_name: "a\\b.png"
            incident: "material"
            series: "S1""#]],
    );
    check(
        r#"{"odata.metadata": "ProjectVic", "value": []}"#,
        &expect![[r#"
            vics, understood: partly
            incident: "material""#]],
    );
}

#[test]
fn a_mail_is_its_attachment_or_its_text_and_never_its_sender() {
    check(
        "From: reporter@example.org\nTo: intake@example.com\nSubject: help\nMIME-Version: 1.0\n\nHe wants to meet my daughter.\n",
        &expect![[r#"
            mail, understood: true
            note: "help\nHe wants to meet my daughter.""#]],
    );
    check(
        "From: reporter@example.org\nTo: intake@example.com\nSubject: a report\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee attached\n\
         --b\nContent-Type: application/json\nContent-Disposition: attachment; filename=x.json\n\n\
         {\"xarf_version\": \"4.2.0\", \"report_id\": \"x-2\", \"category\": \"content\", \"type\": \"csam\", \"source_identifier\": \"192.0.2.41\", \"description\": \"inside\"}\n--b--\n",
        &expect![[r#"
            xarf, understood: true
            number x-2
            incident: "material"
            note: "inside\na report\nsee attached"
            reported.ip_events[0].address: "192.0.2.41""#]],
    );
}

#[test]
fn a_web_form_says_what_its_fields_say() {
    check(
        r#"{"number": "f-1", "account": "41", "account_email": ["target@example.org"], "service": "App", "child": "kid", "incident": "enticement",
            "tags": ["sextortion", "nonsense"], "risks": ["meeting-planned"], "when": "2026-11-12T02:00:00Z", "urgent": "tomorrow",
            "url": "https://example.org/p", "thread": "t-1", "series": "s-1", "wallet": "bc1qexample", "what": "w",
            "payments": [{"amount": "50.00", "currency": "EUR"}, {"amount": 5}],
            "files": [{"md5": "0123456789abcdef0123456789abcdef", "url": "https://example.org/f", "annotations": ["infant"], "uploaded_at": "2026-11-12"}],
            "reporter": {"email": "reporter@example.org"}}"#,
        &expect![[r#"
            form, understood: true
            number f-1
            md5 0123456789abcdef0123456789abcdef
            files.00001.annotations[0]: "infant"
            files.00001.uploaded_at: "2026-11-12"
            files.00001.url: "https://example.org/f"
            incident: "enticement"
            note: "w"
            occurred_at: "2026-11-12T02:00:00Z"
            payments[0].amount: "50.00"
            payments[0].currency: "EUR"
            places[0].place: "web-page"
            places[0].urls[0]: "https://example.org/p"
            platform: "App"
            reported.id: "41"
            reported.person.emails[0].address: "target@example.org"
            reported.service: "App"
            risks[0]: "meeting-planned"
            series: "s-1"
            tags[0]: "sextortion"
            threads[0].id: "t-1"
            urgent_because: "tomorrow"
            victims[0].id: "kid"
            victims[0].service: "App"
            wallets[0].address: "bc1qexample"
            wallets[0].chain: "bitcoin""#]],
    );
    // A child alone makes no suspect.
    check(
        r#"{"child": "kid", "text": "w"}"#,
        &expect![[r#"
        form, understood: true
        note: "w"
        victims[0].id: "kid""#]],
    );
}

#[test]
fn a_cybertip_keeps_what_links_and_ranks() {
    check(
        "<report xmlns=\"https://report.cybertip.org/xsd\"><incidentSummary><incidentType>Online Enticement of Children for Sexual Acts</incidentType>\
         <escalateToHighPriority>now</escalateToHighPriority><incidentDateTime>2026-11-13T01:00:00Z</incidentDateTime></incidentSummary>\
         <internetDetails><chatImIncident><chatClient>App</chatClient><chatRoomName>room</chatRoomName><content>a: hi</content></chatImIncident></internetDetails>\
         <internetDetails><webPageIncident><url>https://example.org/p</url><additionalInfo>gone</additionalInfo></webPageIncident></internetDetails>\
         <internetDetails><onlineGamingIncident><gameName>Game</gameName><console>Box</console></onlineGamingIncident></internetDetails>\
         <internetDetails><emailIncident><emailAddress>target@example.org</emailAddress><content>c</content></emailIncident></internetDetails>\
         <reporter><reportingPerson><email>reporter@example.org</email></reportingPerson></reporter>\
         <personOrUserReported><personOrUserReportedPerson><firstName>A</firstName><phone countryCallingCode=\"+49\">1</phone><email>a@example.org</email><age>40</age></personOrUserReportedPerson>\
         <espIdentifier>41</espIdentifier><espService>App</espService><screenName>target</screenName><displayName>T</displayName><profileUrl>https://example.org/t</profileUrl>\
         <ipCaptureEvent><ipAddress>192.0.2.41</ipAddress><eventName>Login</eventName><dateTime>2026-11-13T01:00:00Z</dateTime><port>4433</port></ipCaptureEvent>\
         <deviceId><idType>IMEI</idType><idValue>123456</idValue></deviceId><priorCTReports>77</priorCTReports><groupIdentifier>g</groupIdentifier>\
         <estimatedLocation><city>Bonn</city><countryCode>DE</countryCode></estimatedLocation></personOrUserReported>\
         <personOrUserReported><espIdentifier>42</espIdentifier></personOrUserReported>\
         <intendedRecipient><espIdentifier>43</espIdentifier></intendedRecipient>\
         <victim><victimPerson><age>12</age></victimPerson><screenName>kid</screenName></victim><additionalInfo>a note</additionalInfo></report>",
        &expect![[r#"
            cybertip, understood: true
            also_reported[0].id: "42"
            incident: "enticement"
            note: "a note"
            occurred_at: "2026-11-13T01:00:00Z"
            places[0].client: "App"
            places[0].content: "a: hi"
            places[0].place: "chat"
            places[0].room: "room"
            places[1].note: "gone"
            places[1].place: "web-page"
            places[1].urls[0]: "https://example.org/p"
            places[2].console: "Box"
            places[2].name: "Game"
            places[2].place: "game"
            places[3].addresses[0].address: "target@example.org"
            places[3].content: "c"
            places[3].place: "email"
            recipients[0].id: "43"
            reported.devices[0].kind: "IMEI"
            reported.devices[0].value: "123456"
            reported.display_names[0]: "T"
            reported.group: "g"
            reported.id: "41"
            reported.ip_events[0].address: "192.0.2.41"
            reported.ip_events[0].at: "2026-11-13T01:00:00Z"
            reported.ip_events[0].event: "Login"
            reported.ip_events[0].port: 4433
            reported.location.city: "Bonn"
            reported.location.country: "DE"
            reported.person.age: 40
            reported.person.emails[0].address: "a@example.org"
            reported.person.first_name: "A"
            reported.person.phones[0].country_code: "+49"
            reported.person.phones[0].number: "1"
            reported.prior_reports[0]: 77
            reported.profile_urls[0]: "https://example.org/t"
            reported.screen_name: "target"
            reported.service: "App"
            threads[0].id: "room"
            threads[0].service: "App"
            urgent_because: "now"
            victims[0].person.age: 12
            victims[0].screen_name: "kid""#]],
    );
    // A batched report gives only ids of accounts.
    check(
        "<report><incidentSummary><incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType></incidentSummary><batchedReport/>\
         <personOrUserReported><espIdentifier>41</espIdentifier></personOrUserReported><personOrUserReported><espIdentifier>42</espIdentifier></personOrUserReported></report>",
        &expect![[r#"
            cybertip, understood: true
            batched_accounts[0]: "42"
            incident: "material"
            reported.id: "41""#]],
    );
}

#[test]
fn what_is_not_understood_says_so() {
    for (bytes, expected) in [
        (
            &br#"{"alpha": 1, "beta": "two"}"#[..],
            expect!["json, understood: false"],
        ),
        (b"[1, 2]", expect!["json, understood: false"]),
        (
            b"%PDF-1.4 broken",
            expect![[r#"
            unreadable, understood: false
            unreadable: the PDF has no text that can be read"#]],
        ),
        (
            b"PK\x03\x04 broken",
            expect![[r#"
            unreadable, understood: false
            unreadable: the archive can't be unpacked"#]],
        ),
        (
            b"\x89PNG\r\n\x1a\n",
            expect![[r#"
                unreadable, understood: false
                unreadable: it contains control characters, so it isn't text"#]],
        ),
        (
            b"xyzzy plugh",
            expect![[r#"
            note, understood: true
            note: "xyzzy plugh""#]],
        ),
    ] {
        expected.assert_eq(&shown(bytes));
    }
}
