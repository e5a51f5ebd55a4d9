//! Reads ISO 20022 messages of each version, with and without prefixes. Where the published schemas
//! are present, the messages are validated against them first.

use std::path::{Path, PathBuf};
use std::process::Command;

use obhut_fakes::transfers::files as made_files;
use obhut_fakes::transfers::{Recipe, synthesize};
use obhut_formats::transfers::Reader;
use obhut_typologies::{Transfer, Transfers};

// 2027-01-15; nothing may be dated more than a year after it.
const NOW: i64 = 1_800_000_000_000_000;

/// Validates a message against its schema, if present.
fn fits(message: &Path, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/iso20022");
    let schema = folder.join(format!("{name}.xsd"));
    if !schema.exists() {
        println!("not present: {name}.xsd");
        return;
    }
    let out = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([&schema, message])
        .output()
        .expect("xmllint is installed by cargo xtask setup");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

struct Read {
    transfers: Transfers,
    all: Vec<Transfer>,
}

impl Read {
    fn of(path: &Path) -> Read {
        let mut transfers = Transfers::new(NOW).keeping_tx();
        let mut all = Vec::new();
        Reader::default()
            .read(path, &mut transfers, &mut |t| all.push(t))
            .unwrap();
        Read { transfers, all }
    }

    /// Id, sender, recipient, amount in minor units, currency, countries, seconds since 1970, and
    /// UTC offset in minutes.
    fn rows(&self) -> Vec<String> {
        let name = |key| self.transfers.names.name(key);
        self.all
            .iter()
            .map(|t| {
                format!(
                    "{} {} {} {} {} {}>{} {} {:?}",
                    self.transfers.tx_name(t.tx).unwrap(),
                    name(t.sender),
                    name(t.recipient),
                    t.amount_minor,
                    t.currency.code(),
                    t.from.code(),
                    t.to.code(),
                    t.at_micros / 1_000_000,
                    t.zone_minutes,
                )
            })
            .collect()
    }
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn payment(name: &str, iban: &str, country: &str, transactions: &str) -> String {
    format!(
        "<PmtInf><PmtInfId>P{name}</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-03-02</Dt></ReqdExctnDt>
  <Dbtr><Nm>{name}</Nm><PstlAdr><Ctry>{country}</Ctry></PstlAdr></Dbtr>
  <DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>AAAADE22</BICFI></FinInstnId></DbtrAgt>
  {transactions}</PmtInf>"
    )
}

fn transaction(ids: &str, amount: &str, payee: &str) -> String {
    format!(
        "<CdtTrfTxInf><PmtId>{ids}</PmtId><Amt><InstdAmt Ccy=\"EUR\">{amount}</InstdAmt></Amt>
  <CdtrAgt><FinInstnId><BICFI>BBBBPH22</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>{payee}</Nm></Cdtr>
  <CdtrAcct><Id><Othr><Id>{payee}-1</Id></Othr></Id></CdtrAcct><RmtInf><Ustrd>school uniform</Ustrd></RmtInf></CdtTrfTxInf>"
    )
}

#[test]
fn a_payers_order_is_read_with_each_payer_at_its_own_payments() {
    let folder = tempfile::tempdir().unwrap();
    let ids = |n: &str| format!("<InstrId>I{n}</InstrId><EndToEndId>E{n}</EndToEndId>");
    // NOTPROVIDED is a blank id: the id must come from InstrId.
    let unnamed = "<InstrId>I3</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>";
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-01T22:41:00+01:00</CreDtTm><NbOfTxs>3</NbOfTxs><InitgPty><Nm>Bank</Nm></InitgPty></GrpHdr>
{}{}</CstmrCdtTrfInitn></Document>",
        payment("Ann", "DE02120300000000202051", "DE",
            &(transaction(&ids("1"), "35.00", "Q") + &transaction(&ids("2"), "12.5", "R &amp; S"))),
        payment("Bob", "SE4550000000058398257466", "SE", &transaction(unnamed, "99", "Q")),
    );
    let path = write(&folder, "pain.xml", &text);
    fits(&path, "pain.001.001.09");
    let read = Read::of(&path);
    assert_eq!(
        read.rows(),
        [
            "E1 DE02120300000000202051 Q-1 3500 EUR DE>PH 1772401260 Some(60)",
            "E2 DE02120300000000202051 R & S-1 1250 EUR DE>PH 1772401260 Some(60)",
            "I3 SE4550000000058398257466 Q-1 9900 EUR SE>PH 1772401260 Some(60)",
        ]
    );
    // `school uniform` is one of the published cover labels.
    assert!(read.all.iter().all(|t| t.context.cover));
    assert_eq!(read.transfers.counted.problems, 0);
    // With a prefix the same message gives the same rows.
    let prefixed = text
        .replace("</", "\u{1}")
        .replace('<', "<p:")
        .replace('\u{1}', "</p:")
        .replace("<p:?xml", "<?xml")
        .replace("xmlns=", "xmlns:p=");
    let path = write(&folder, "prefixed.xml", &prefixed);
    fits(&path, "pain.001.001.09");
    assert_eq!(Read::of(&path).rows(), read.rows());
}

fn order(payments: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-01T22:41:00+01:00</CreDtTm></GrpHdr>{payments}</CstmrCdtTrfInitn></Document>"
    )
}

/// After a broken first transaction, the rest of its payment was once read with the previous payer.
#[test]
fn a_broken_payment_leaves_the_next_to_their_own_payer() {
    let folder = tempfile::tempdir().unwrap();
    let ids = |n: &str| format!("<EndToEndId>E{n}</EndToEndId>");
    // The element of this transaction never ends.
    let broken = transaction(&ids("2"), "1", "Q").replace("</CdtTrfTxInf>", "");
    let text = order(
        &(payment(
            "Ann",
            "DE02120300000000202051",
            "DE",
            &transaction(&ids("1"), "35", "Q"),
        ) + &payment(
            "Bob",
            "SE4550000000058398257466",
            "SE",
            &(broken + &transaction(&ids("3"), "99", "Q")),
        )),
    );
    let read = Read::of(&write(&folder, "broken.xml", &text));
    let rows = read.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].starts_with("E1 DE02120300000000202051"), "{rows:?}");
    assert!(
        rows[1].starts_with("E3 SE4550000000058398257466"),
        "{rows:?}"
    );
    assert_eq!(read.transfers.counted.problems, 1);

    // The last transaction of a payment is broken and runs on into the next payment, whose
    // transactions once got this payer.
    let broken = transaction(&ids("2"), "1", "Q").replace("</CdtTrfTxInf>", "");
    let text = order(
        &(payment(
            "Ann",
            "DE02120300000000202051",
            "DE",
            &(transaction(&ids("1"), "35", "Q") + &broken),
        ) + &payment(
            "Bob",
            "SE4550000000058398257466",
            "SE",
            &transaction(&ids("3"), "99", "Q"),
        )),
    );
    let read = Read::of(&write(&folder, "last.xml", &text));
    let rows = read.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(
        rows[1].starts_with("E3 SE4550000000058398257466"),
        "{rows:?}"
    );
    assert_eq!(read.transfers.counted.problems, 1);
}

/// Once, the bank's country was appended to the party's (`DEUS`), so that the record was refused,
/// and several ids were joined into one.
#[test]
fn a_partys_country_and_id_are_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let bank = "<DbtrAgt><FinInstnId><BICFI>AAAADE22</BICFI>";
    let party = payment(
        "Ann",
        "DE02120300000000202051",
        "DE",
        &transaction("<EndToEndId>E1</EndToEndId>", "35", "Q"),
    );
    let elsewhere = party.replace(bank, &format!("{bank}<PstlAdr><Ctry>US</Ctry></PstlAdr>"));
    // Only the bank has an address: the account's country counts.
    let only = elsewhere.replace("<PstlAdr><Ctry>DE</Ctry></PstlAdr></Dbtr>", "</Dbtr>");
    // A person with two numbers and no account.
    let two = party.replace(
        "<DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct>",
        "",
    ).replace(
        "</PstlAdr></Dbtr>",
        "</PstlAdr><Id><PrvtId><Othr><Id>12</Id></Othr><Othr><Id>34</Id></Othr></PrvtId></Id></Dbtr>",
    );
    for (text, expected) in [
        (&party, "E1 DE02120300000000202051 Q-1 3500 EUR DE>PH"),
        (&elsewhere, "E1 DE02120300000000202051 Q-1 3500 EUR DE>PH"),
        (&only, "E1 DE02120300000000202051 Q-1 3500 EUR DE>PH"),
        (&two, "E1 12 Q-1 3500 EUR DE>PH"),
    ] {
        let read = Read::of(&write(&folder, "p.xml", &order(text)));
        let rows = read.rows();
        assert!(
            rows.len() == 1 && rows[0].starts_with(expected),
            "{rows:?}, not {expected}"
        );
    }
}

#[test]
fn made_up_messages_fit_each_version_and_come_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let made = synthesize(&Recipe {
        transfers: 2_000,
        ..Recipe::default()
    });
    let mut bytes = Vec::new();
    made_files::pacs_008(&made, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    for version in ["08", "10", "12"] {
        let name = format!("pacs.008.001.{version}");
        let path = write(&folder, "pacs.xml", &text.replace("pacs.008.001.08", &name));
        fits(&path, &name);
        let read = Read::of(&path);
        assert_eq!(read.all.len(), made.transfers.len());
        for (got, want) in read.all.iter().zip(&made.transfers) {
            assert_eq!(got.at_micros, want.at_micros);
            assert_eq!(
                (got.amount_minor, got.currency),
                (want.amount_minor, want.currency)
            );
            assert_eq!((got.from, got.to), (want.from, want.to));
        }
    }
    // Another version is refused by its name, not half read.
    let path = write(
        &folder,
        "other.xml",
        &text.replace("pacs.008.001.08", "pacs.008.001.99"),
    );
    let mut transfers = Transfers::new(NOW);
    let fault = Reader::default().read(&path, &mut transfers, &mut |_| ());
    assert!(fault.unwrap_err().why.contains("pacs.008.001.12"));
}

#[test]
fn the_published_example_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/payments/pacs008_1.xml");
    if !path.exists() {
        println!("not present: pacs008_1.xml");
        return;
    }
    let read = Read::of(&path);
    assert_eq!(
        read.rows(),
        [
            "eb6305c9-1f7f-49de-aed0-000000000000 DE89370400440532013000 09170000000 3500 EUR DE>PH 1772401260 Some(60)"
        ]
    );
    // From BirthDt of the published example.
    assert_eq!(read.all[0].context.age_years, 60);
}
