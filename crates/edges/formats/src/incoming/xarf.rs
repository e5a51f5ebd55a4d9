//! XARF 4 `content/csam` and `content/csem`, and version 3 `ChildAbuse`, as an incoming report.

use obhut_facts::{
    Account, Facts, FileFacts, IncidentKind, IncidentTag, IncomingFormat, IpEvent, ParsedReport,
    Place, RiskFact, Sealed, Understood,
};
use serde_json::Value;

use super::{Format, Input, empty, put_digest};

pub(super) const FORMAT: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            v["xarf_version"].is_string()
                || v["ReporterInfo"].is_object()
                || v["Report"]["ReportType"].is_string()
        })
    },
    read,
};

// Long: reads the fields in the order of the form.
fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Xarf);
    let own = |v: &Value, name: &str| {
        v[name]
            .as_str()
            .filter(|t| !t.trim().is_empty())
            .map(str::to_owned)
    };
    let mut facts = Facts::default();
    let mut file = FileFacts::default();
    // The address of the server that has the content.
    let mut host = None;
    let address;
    if value["xarf_version"].is_string() {
        given.number = own(value, "report_id");
        facts.occurred_at = own(value, "timestamp");
        facts.platform = own(value, "platform");
        facts.note = own(value, "description");
        file.url = own(value, "url");
        address = own(value, "source_identifier");
        for (kind, digest) in value["hash_values"].as_object().into_iter().flatten() {
            put_digest(&mut given, kind, digest.as_str().unwrap_or_default());
        }
        match value["type"].as_str() {
            Some("csam") => facts.incident = Some(IncidentKind::Material),
            Some("csem") => facts.incident = Some(IncidentKind::Material),
            // No other type is about a child.
            _ => given.understood = Understood::Partly,
        }
        if value["type"] == "csem" {
            match value["exploitation_type"].as_str().unwrap_or_default() {
                "grooming" => facts.incident = Some(IncidentKind::Enticement),
                "solicitation" => facts.tags.push(IncidentTag::Solicitation),
                "sextortion" => {
                    facts.incident = Some(IncidentKind::Enticement);
                    facts.tags.push(IncidentTag::Sextortion);
                }
                "trafficking" => facts.incident = Some(IncidentKind::Trafficking),
                "production" => facts.risks.push(RiskFact::NewMaterial),
                _ => {}
            }
            if matches!(
                value["victim_age_range"].as_str(),
                Some("infant" | "toddler")
            ) {
                facts.risks.push(RiskFact::Infant);
            }
        }
        let who = &value["perpetrator_indicators"];
        let account = own(who, "account_id");
        let events = who["ip_addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let mut ip_events: Vec<IpEvent> = events
            .map(|a| IpEvent {
                address: a.to_owned(),
                ..IpEvent::default()
            })
            .collect();
        let port = value["source_port"].as_i64();
        // With a URL and nothing about a person it is the host of the content.
        let of_a_user = address.filter(|address| {
            let of_host = file.url.is_some() && account.is_none() && ip_events.is_empty();
            if of_host {
                host = Some(port.map_or(address.clone(), |p| format!("{address}, port {p}")));
            }
            !of_host
        });
        // It may also be a host name; only an IP address makes an event.
        if let Some(address) = of_a_user.filter(|a| a.parse::<std::net::IpAddr>().is_ok()) {
            ip_events.insert(
                0,
                IpEvent {
                    address,
                    port,
                    at: facts.occurred_at.clone(),
                    ..IpEvent::default()
                },
            );
        }
        if account.is_some() || !ip_events.is_empty() {
            facts.reported = Some(Account {
                id: account,
                ip_events,
                ..Account::default()
            });
        }
        for tag in value["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            // Both spellings are read: XARF writes underscores, and we write hyphens.
            match tag {
                "risk:live_stream" | "risk:live-stream" => facts.risks.push(RiskFact::LiveStream),
                "risk:self_production" | "risk:self-production" => {
                    facts.risks.push(RiskFact::SelfProduction)
                }
                _ => {}
            }
        }
    } else {
        let report = &value["Report"];
        if report["ReportType"] != "ChildAbuse" {
            return Err("it is XARF, but its ReportType isn't ChildAbuse".into());
        }
        facts.occurred_at = own(report, "Date");
        file.url = own(report, "SourceUrl");
        facts.incident = Some(IncidentKind::Material);
        let address = own(report, "SourceIp");
        if file.url.is_some() {
            let port = report["SourcePort"].as_i64();
            host = address.map(|a| port.map_or(a.clone(), |p| format!("{a}, port {p}")));
        } else if let Some(address) = address {
            let event = IpEvent {
                address,
                port: report["SourcePort"].as_i64(),
                at: facts.occurred_at.clone(),
                ..IpEvent::default()
            };
            facts.reported = Some(Account {
                ip_events: vec![event],
                ..Account::default()
            });
        }
    }
    if let Some(url) = &file.url {
        facts.places.push(Place::WebPage {
            urls: vec![url.clone()],
            third_party: None,
            note: host.map(|h| format!("its host: {h}")),
        });
    }
    facts.files.insert("001".into(), file);
    given.facts = Sealed::new(facts);
    Ok(given)
}
