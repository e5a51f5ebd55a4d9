//! The payers report as CSV tables: addresses, doubtful addresses, payments, and a request for each
//! service that can name a customer.

use std::borrow::Cow;
use std::io::{self, Write};

use obhut_facts::{AddressRow, CandidateRow, DoubtfulRow, PayersReport, PaymentRow, ServiceRow};

/// Longest file name of a request, in characters, without the number that may be appended and the
/// extension. Our judgement.
const NAME_CHARS_MAX: usize = 50;

/// Paths of a report's tables, below its folder.
pub fn names(report: &PayersReport) -> Vec<String> {
    let fixed = ["addresses.csv", "doubtful.csv", "payments.csv"];
    let mut names: Vec<String> = fixed.map(str::to_owned).to_vec();
    names.extend(requests(report).into_iter().map(|(name, _)| name));
    names
}

/// Writes the table of that name, one of [`names`]. For any other name nothing is written.
///
/// # Errors
/// `to` can't be written.
pub fn table(report: &PayersReport, name: &str, to: &mut dyn Write) -> io::Result<()> {
    match name {
        "addresses.csv" => addresses(&report.addresses, to),
        "doubtful.csv" => doubtful(&report.doubtful, to),
        "payments.csv" => payments(&report.payments, to),
        _ => {
            let found = requests(report).into_iter().find(|(n, _)| n == name);
            found.map_or(Ok(()), |(_, number)| {
                request(report, number, &report.services[number], to)
            })
        }
    }
}

/// The path of each request, with the index of its service. If several labels give the same file
/// name, a number is appended to each but the first.
fn requests(report: &PayersReport) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for (number, service) in report.services.iter().enumerate() {
        // A request makes sense only for a service that can name a customer.
        if !service.service.answers {
            continue;
        }
        let label = file_name(&service.service.label);
        let mut name = format!("requests/{label}.csv");
        let mut n = 1;
        // Compared without case: some file systems ignore it.
        while names
            .iter()
            .any(|(other, _)| other.to_lowercase() == name.to_lowercase())
        {
            n += 1;
            name = format!("requests/{label}-{n}.csv");
        }
        names.push((name, number));
    }
    names
}

fn addresses(rows: &[AddressRow], to: &mut dyn Write) -> io::Result<()> {
    let head = ["address", "layer", "confidence", "because"];
    csv(
        to,
        &head,
        rows.iter().map(|r| {
            vec![
                r.address.as_str().into(),
                r.layer.into(),
                r.confidence.to_string().into(),
                r.because.as_str().into(),
            ]
        }),
    )
}

fn doubtful(rows: &[DoubtfulRow], to: &mut dyn Write) -> io::Result<()> {
    let head = ["address", "because", "refused"];
    csv(
        to,
        &head,
        rows.iter().map(|r| {
            vec![
                r.address.as_str().into(),
                r.because.as_str().into(),
                safe(&r.refused),
            ]
        }),
    )
}

fn payments(rows: &[PaymentRow], to: &mut dyn Write) -> io::Result<()> {
    let head = [
        "txid",
        "vout",
        "time",
        "amount_sat",
        "to_address",
        "direct",
        "candidates",
        "service",
        "service_txid",
        "service_vout",
        "hops",
        "confidence",
    ];
    fn of<'a>(p: &'a PaymentRow, c: Option<&'a CandidateRow>) -> Vec<Cow<'a, str>> {
        let mut row: Vec<Cow<str>> = vec![
            p.out.txid.as_str().into(),
            p.out.vout.to_string().into(),
            p.time.as_str().into(),
            p.amount_sat.to_string().into(),
            p.to_address.as_str().into(),
            p.direct.to_string().into(),
            p.candidates.len().to_string().into(),
        ];
        match c {
            // One empty field for each field of a candidate: all rows of a CSV file have the same
            // length.
            None => row.extend([""; 5].map(Cow::from)),
            Some(c) => row.extend([
                safe(&c.service),
                c.out.txid.as_str().into(),
                c.out.vout.to_string().into(),
                c.hops.to_string().into(),
                c.confidence.to_string().into(),
            ]),
        }
        row
    }
    csv(
        to,
        &head,
        rows.iter().flat_map(|p| {
            // A payment without a candidate keeps its row, with the
            // service's columns empty (docs/chain.md).
            if p.candidates.is_empty() {
                vec![of(p, None)]
            } else {
                p.candidates.iter().map(|c| of(p, Some(c))).collect()
            }
        }),
    )
}

fn request(
    report: &PayersReport,
    number: usize,
    service: &ServiceRow,
    to: &mut dyn Write,
) -> io::Result<()> {
    let head = [
        "service",
        "legal_name",
        "jurisdictions",
        "service_txid",
        "service_vout",
        "time",
        "amount_sat",
        "customer_address",
        "payment_txid",
        "payment_vout",
        "payment_time",
        "payment_amount_sat",
        "direct",
        "hops",
        "candidates",
        "confidence",
        "tag_source",
        "tag_date",
        "tag_confidence",
    ];
    let s = &service.service;
    let tag = s.tags.iter().max_by_key(|t| t.confidence);
    let countries = s.jurisdictions.join(" ");
    let rows = report.payments.iter().flat_map(|p| {
        p.candidates
            .iter()
            .filter(|c| c.number == Some(number))
            .map(move |c| (p, c))
    });
    // Only texts from tags are guarded against formulas:
    // the rest is hex, numbers and our own words.
    csv(
        to,
        &head,
        rows.map(|(p, c)| {
            vec![
                safe(&s.label),
                safe(s.legal_name.as_deref().unwrap_or_default()),
                safe(&countries),
                c.out.txid.as_str().into(),
                c.out.vout.to_string().into(),
                c.time.as_str().into(),
                c.amount_sat.to_string().into(),
                c.address.as_str().into(),
                p.out.txid.as_str().into(),
                p.out.vout.to_string().into(),
                p.time.as_str().into(),
                p.amount_sat.to_string().into(),
                p.direct.to_string().into(),
                c.hops.to_string().into(),
                p.candidates.len().to_string().into(),
                c.confidence.to_string().into(),
                safe(tag.map_or("", |t| &t.source)),
                safe(tag.and_then(|t| t.date.as_deref()).unwrap_or_default()),
                tag.map_or(0, |t| t.confidence).to_string().into(),
            ]
        }),
    )
}

fn csv<'a>(
    to: &mut dyn Write,
    head: &[&str],
    rows: impl Iterator<Item = Vec<Cow<'a, str>>>,
) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(to);
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row.iter().map(|field| field.as_bytes()))?;
    }
    writer.flush()
}

/// Puts an apostrophe before a text that a spreadsheet would take for a formula.
fn safe(text: &str) -> Cow<'_, str> {
    // The characters that OWASP lists for CSV injection.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// A label as a file name: letters, digits, dots, dashes, underscores, at most 50 characters; never
/// a path and never empty.
pub fn file_name(label: &str) -> String {
    // At most 200 bytes in UTF-8: with a suffix the name fits the usual 255.
    let name: String = label
        .chars()
        .take(NAME_CHARS_MAX)
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '-'
            }
        })
        .collect();
    // Dots at the start would make the path `..` or hide the file.
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() {
        "service".into()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_no_paths_and_no_formulas() {
        assert_eq!(file_name("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_name("exchange-A"), "exchange-A");
        assert_eq!(file_name("…"), "service");
        assert_eq!(safe("=1+1"), "'=1+1");
    }
}
