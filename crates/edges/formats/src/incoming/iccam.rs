//! A hotline's list as ICCAM exports it: one row for each URL. The IP address is the server's,
//! never a suspect's.

use std::borrow::Cow;

use obhut_facts::{
    Facts, FileCategory, FileFacts, IncidentKind, IncidentTag, IncomingFormat, ParsedReport, Place,
    RiskFact, Sealed, Understood,
};

use super::{Format, Input, empty, encoding};

/// Most rows of one list that each become a report; the rows after them become one more report
/// together. Our judgement.
const ROWS_MAX: usize = 100_000;

pub(super) const FORMAT: Format = Format {
    is: |input| delimiter(input.text).is_some(),
    read,
};

/// The delimiter, if the first line is a list's header: it has the columns `url` and
/// `classification`.
fn delimiter(text: &str) -> Option<char> {
    let head = text.lines().next()?.to_ascii_lowercase();
    let delimiter = [';', ',', '\t'].into_iter().find(|d| head.contains(*d))?;
    let columns: Vec<&str> = head
        .split(delimiter)
        .map(|c| c.trim().trim_matches('"'))
        .collect();
    let has = |name: &str| columns.contains(&name);
    (has("url") && has("classification")).then_some(delimiter)
}

/// Splits a list into single rows, each with the header.
pub(super) fn each_row(bytes: &[u8]) -> Vec<Cow<'_, [u8]>> {
    // Rows come out as UTF-8, whatever the list came in.
    let Ok(text) = encoding::text(bytes) else {
        return Vec::new();
    };
    let text = text.as_str();
    let Some(delimiter) = delimiter(text) else {
        return Vec::new();
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = reader.records().map_while(Result::ok);
    let Some(head) = rows.next() else {
        return Vec::new();
    };
    let write = |rows: &[csv::StringRecord]| {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter as u8)
            .flexible(true)
            .from_writer(Vec::new());
        writer.write_record(&head).ok()?;
        for row in rows {
            writer.write_record(row).ok()?;
        }
        writer.into_inner().ok()
    };
    let single: Vec<_> = rows.by_ref().take(ROWS_MAX).collect();
    let further: Vec<_> = rows.collect();
    let mut parts: Vec<_> = single
        .iter()
        .filter_map(|row| write(std::slice::from_ref(row)))
        .collect();
    if !further.is_empty() {
        parts.extend(write(&further));
    }
    parts.into_iter().map(Cow::Owned).collect()
}

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let delimiter = delimiter(input.text).expect("is() accepted the input");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .flexible(true)
        .from_reader(input.text.as_bytes());
    let head = reader
        .headers()
        .cloned()
        .map_err(|_| "its header can't be read".to_owned())?;
    let mut rows = reader.records().map_while(Result::ok);
    let row = rows
        .next()
        .ok_or_else(|| "the list has no row".to_owned())?;
    let further = rows.count();
    let own = |name: &str| {
        let at = head
            .iter()
            .position(|h| h.trim().eq_ignore_ascii_case(name))?;
        Some(row.get(at)?.trim().to_owned()).filter(|v| !v.is_empty())
    };
    let mut given = empty(IncomingFormat::Iccam);
    given.number = own("report_id");
    if further > 0 {
        // The rest of a list with more than `ROWS_MAX` rows: it is not split. Only its first row is
        // read here; a person looks at the original.
        given.understood = Understood::Partly;
    }
    let mut facts = Facts {
        incident: Some(IncidentKind::Material),
        occurred_at: own("date"),
        ..Facts::default()
    };
    let host: Vec<String> = ["ip", "country", "domain"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", own(name)?)))
        .collect();
    if let Some(url) = own("url") {
        facts.places.push(Place::WebPage {
            urls: vec![url],
            third_party: Some(true),
            note: (!host.is_empty()).then(|| format!("hosted: {}", host.join(", "))),
        });
    }
    let mut file = FileFacts::default();
    if let Some(class) = own("classification") {
        // The other classes, such as what is illegal in one country only, aren't on INTERPOL's
        // scale.
        let scale = match class.eq_ignore_ascii_case("baseline") {
            true => "interpol-baseline",
            false => "iccam",
        };
        file.category = Some(FileCategory {
            scale: scale.into(),
            value: class,
        });
    }
    let age = own("age").unwrap_or_default().to_lowercase();
    if age.contains("infant") || age.contains("toddler") {
        facts.risks.push(RiskFact::Infant);
        file.annotations.push("infant".into());
    }
    let yes = |name: &str| {
        own(name).is_some_and(|v| matches!(v.to_lowercase().as_str(), "y" | "yes" | "true" | "1"))
    };
    if yes("sadism") {
        facts.tags.push(IncidentTag::Sadistic);
    }
    facts.files.insert("001".into(), file);
    let more: Vec<String> = ["age", "gender", "commercial", "hotline"]
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", own(name)?)))
        .collect();
    facts.note = Some(more.join("; ")).filter(|n| !n.is_empty());
    given.facts = Sealed::new(facts);
    Ok(given)
}
