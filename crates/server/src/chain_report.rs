//! A report on a site as one HTML file: the findings, the graph, the payments, the methods and
//! their limits. The file has no script and loads nothing.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, html};
use obhut_app::bitcoin::{PayersReport, PaymentRow, coinjoins, heuristics};
use obhut_app::casework::Language;
use serde::Serialize;

mod graph;

const STYLE: &str = include_str!("../assets/style.css");
/// Payments listed on the page; payments.csv has all. Our judgement.
const PAYMENTS_LISTED: usize = 2_000;
/// Most addresses of the site that the page lists, and most doubtful ones; addresses.csv and
/// doubtful.csv have all. Our judgement.
const ADDRESSES_LISTED: usize = 500;

/// English or German, by the reader's language.
#[derive(Clone, Copy)]
struct Words(Language);

impl Words {
    fn t(self, english: &'static str, german: &'static str) -> &'static str {
        self.0.pick(english, german)
    }
}

/// The case a report belongs to, its legal basis, and its sources of tags.
#[derive(Clone, Debug, Default)]
pub struct ReportContext {
    /// The case.
    pub case: Option<String>,
    /// Its legal basis.
    pub basis: Option<String>,
    /// Files of tags that were read.
    pub tags: Vec<String>,
}

/// Writes the report as JSON, with its case and legal basis before it; fails only if `to` does.
pub fn json(report: &PayersReport, made: &ReportContext, to: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Whole<'a> {
        case: &'a Option<String>,
        basis: &'a Option<String>,
        #[serde(flatten)]
        report: &'a PayersReport,
    }
    let whole = Whole {
        case: &made.case,
        basis: &made.basis,
        report,
    };
    serde_json::to_writer(to, &whole).map_err(io::Error::from)
}

/// The report as an HTML page in `language`.
pub fn page(r: &PayersReport, made: &ReportContext, language: Language) -> String {
    let w = Words(language);
    let code = w.t("en", "de");
    html! {
        (DOCTYPE)
        html lang=(code) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (w.t("Payments to a site – obhut", "Zahlungen an eine Website – obhut")) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { main {
                h1 { (w.t("Payments to a site", "Zahlungen an eine Website")) }
                p class="notice" { (w.t(
                    "Every line is a lead. An address is not a person: one person has many, and all customers of a service are behind one of its addresses. Only the service can identify the payer, and its answer must be checked against other evidence.",
                    "Jede Zeile ist ein Hinweis. Eine Adresse ist keine Person: Eine Person hat viele, und hinter einer Adresse eines Dienstes stehen alle seine Kunden. Wer gezahlt hat, sagt erst der Dienst, und auch das wird an anderen Beweisen geprüft.")) }
                (numbers(r, made, w))
                @if !r.problems.is_empty() || !r.contested.is_empty() {
                    h2 { (w.t("Ignored input", "Nicht übernommene Angaben")) }
                    ul {
                        @for p in &r.problems { li { (p) } }
                        @for c in &r.contested { li {
                            (w.t("Several services claim one cluster: ", "Mehrere Dienste beanspruchen ein Cluster: ")) (c.services.join(", ")) "; "
                            @match &c.taken_for {
                                Some(one) => { (w.t("by its most confident tags it was attributed to ", "nach den Tags mit der höchsten Konfidenz wurde es zugeordnet: ")) (one) }
                                None => { (w.t("it was attributed to no one", "es wurde niemandem zugeordnet")) }
                            }
                        } }
                    }
                }
                h2 { (w.t("Where the money came from, and where it went", "Woher das Geld kam und wohin es ging")) }
                (graph::draw(r, w))
                (services(r, w))
                (payments(r, w))
                (onward(r, w))
                (addresses(r, w))
                (limits(r, w))
            } }
        }
    }
    .into_string()
}

/// Satoshi as bitcoin.
fn btc(satoshi: u64) -> String {
    format!("{}.{:08}", satoshi / 100_000_000, satoshi % 100_000_000)
}

/// Satoshi as bitcoin, with as many digits as fit in the graph.
fn about_btc(satoshi: u64) -> String {
    let all = btc(satoshi);
    let digits = match satoshi / 100_000_000 {
        0 => 8,
        1..=9 => 4,
        _ => 2,
    };
    // Cut, not rounded: the graph never shows more than was paid. The tables have all digits.
    all[..all.len() - 8 + digits].to_owned()
}

/// A long name, shortened in the middle.
fn short(text: &str) -> String {
    // By characters: a service's name may be in any language, and a byte index could split one.
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= 20 {
        return text.to_owned();
    }
    let (head, tail) = (&chars[..10], &chars[chars.len() - 6..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

fn day(time: &str) -> &str {
    // ISO 8601: the first ten characters are the day.
    time.get(..10).unwrap_or(time)
}

fn numbers(r: &PayersReport, made: &ReportContext, w: Words) -> Markup {
    let direct = r.payments.iter().filter(|p| p.direct).count();
    let found = r
        .payments
        .iter()
        .filter(|p| !p.candidates.is_empty())
        .count();
    // Counted separately: weak links rest on change heuristics, strong ones on common spending.
    let strong = r.addresses.iter().filter(|a| a.layer == "strong").count();
    let row = |what: &str, value: String| html! { tr { th scope="row" { (what) } td { (value) } } };
    html! {
        table { tbody {
            @if let Some(case) = &made.case { (row(w.t("case", "Fall"), case.clone())) }
            @if let Some(basis) = &made.basis { (row(w.t("legal basis", "Rechtsgrundlage"), basis.clone())) }
            (row(w.t("addresses of the site", "Adressen der Website"), format!("{} ({} {strong}, {} {})", r.addresses.len(), w.t("strong", "stark"), w.t("weak", "schwach"), r.addresses.len() - strong)))
            (row(w.t("doubtful, not counted", "zweifelhaft, nicht gezählt"), r.doubtful.len().to_string()))
            (row(w.t("payments", "Zahlungen"), format!("{} · {} BTC", r.payments.len(), btc(r.total_sat()))))
            (row(w.t("payers", "Zahler"), format!("{} – {}", r.payers.0, r.payers.1)))
            (row(w.t("source wallets, as far as links reach", "Herkunfts-Wallets, soweit Verknüpfungen reichen"), r.wallets.to_string()))
            (row(w.t("directly from a service", "direkt von einem Dienst"), direct.to_string()))
            (row(w.t("traced to a service, or to a wallet that behaves like one", "zurückverfolgt zu einem Dienst oder einem Wallet, das sich so verhält"), found.to_string()))
            @if !r.own.is_empty() { (row(w.t("investigators' own, excluded", "eigene der Ermittler, ausgenommen"), r.own.len().to_string())) }
            @if !r.dust.is_empty() { (row(w.t("dust of up to 1,000 satoshi, not payments", "Dust bis 1.000 Satoshi, keine Zahlungen"), r.dust.len().to_string())) }
            @if r.mined_and_mixed != (0, 0) { (row(w.t("mined; received in CoinJoins it took part in", "gemint; in eigenen CoinJoins erhalten"), format!("{}; {}", r.mined_and_mixed.0, r.mined_and_mixed.1))) }
            (row(w.t("data up to", "Datenstand"), format!("{} {}, {} ({})", w.t("height", "Höhe"), r.tip.0, r.tip.2, r.network)))
            (row(w.t("last block", "letzter Block"), r.tip.1.clone()))
            @if !made.tags.is_empty() { (row(w.t("tags from", "Tags aus"), made.tags.join(", "))) }
        } }
    }
}

/// A table's column heads. `numbers` has the indices of the columns that hold figures.
fn head(heads: &[&str], numbers: &[usize]) -> Markup {
    html! {
        thead { tr { @for (n, text) in heads.iter().enumerate() {
            th scope="col" class=[numbers.contains(&n).then_some("number")] { (text) }
        } } }
    }
}

fn services(r: &PayersReport, w: Words) -> Markup {
    let heads = [
        w.t("service", "Dienst"),
        w.t("name in registers", "Name im Register"),
        w.t("country", "Land"),
        w.t("payments", "Zahlungen"),
        w.t("of them direct", "davon direkt"),
        w.t("source of the attribution", "Quelle der Zuordnung"),
    ];
    html! {
        h2 { (w.t("Services to ask", "Anzufragende Dienste")) }
        @if r.services.is_empty() { p { (w.t("No named service.", "Kein benannter Dienst.")) } } @else {
            div class="scroll" { table {
                (head(&heads, &[3, 4]))
                tbody { @for s in &r.services {
                    @let best = s.service.tags.iter().max_by_key(|t| t.confidence);
                    tr {
                        td data-label=(heads[0]) { (s.service.label) @if let Some(c) = &s.service.category { " (" (c) ")" } }
                        td data-label=(heads[1]) { (s.service.legal_name.as_deref().unwrap_or("?")) }
                        td data-label=(heads[2]) { @if s.service.jurisdictions.is_empty() { "?" } @else { (s.service.jurisdictions.join(", ")) } }
                        td class="number" data-label=(heads[3]) { (s.behind) }
                        td class="number" data-label=(heads[4]) { (s.direct) }
                        td data-label=(heads[5]) { @if let Some(t) = best {
                            (t.source) @if let Some(d) = &t.date { ", " (d) } ", " (w.t("confidence", "Konfidenz")) " " (t.confidence)
                            @if s.service.tags.len() > 1 { " (" (s.service.tags.len()) " " (w.t("tags", "Tags")) ")" }
                        } }
                    }
                } }
            } }
        }
        @if !r.unnamed.is_empty() {
            details {
                summary { (r.unnamed.len()) " " (w.t("unnamed wallets behave like a service", "unbenannte Wallets verhalten sich wie ein Dienst")) }
                p class="hint" { (w.t(
                    "A very large coin, very many addresses, or payouts to several payees. A tag for one of these addresses names all its payments.",
                    "Ein sehr großer Betrag, sehr viele Adressen oder Auszahlungen an mehrere zugleich. Eine Zuschreibung für eine dieser Adressen benennt alle ihre Zahlungen.")) }
                ul { @for (name, n) in r.unnamed.iter().take(100) { li { code { (name.trim_start_matches("unnamed:")) } " · " (n) } } }
            }
        }
    }
}

fn payments(r: &PayersReport, w: Words) -> Markup {
    let candidate = |p: &PaymentRow| {
        html! {
            @for c in p.candidates.iter().take(3) {
                div title=(format!("{}:{}", c.out.txid, c.out.vout)) {
                    (short(&c.service)) " · " (btc(c.amount_sat)) " · " (day(&c.time))
                    @if c.hops > 0 { " · " (c.hops) " " (if c.hops == 1 { w.t("hop", "Hop") } else { w.t("hops", "Hops") }) }
                    " · " (c.confidence)
                }
            }
            @if p.candidates.len() > 3 { div { "+ " (p.candidates.len() - 3) } }
            @if p.candidates.is_empty() {
                @if p.ends[0] > 0 { (w.t("ends at a CoinJoin", "endet an einem CoinJoin")) }
                @else if p.ends[1] > 0 { (w.t("ends at newly mined coins", "endet an neu geminten Bitcoins")) }
                @else { (w.t("none found", "keiner gefunden")) }
            }
        }
    };
    let heads = [
        w.t("time (UTC)", "Zeit (UTC)"),
        "BTC",
        w.t("to", "an"),
        w.t("transaction", "Transaktion"),
        w.t("direct", "direkt"),
        w.t("wallet", "Wallet"),
        w.t("candidates", "Kandidaten"),
        w.t("possible sources", "mögliche Quellen"),
    ];
    html! {
        h2 { (w.t("Payments", "Zahlungen")) }
        p class="hint" { (w.t(
            "Candidates are the services the coins may have come out of, nearest first, with the amount that left the service, the day, the number of transactions between, and the confidence from 0 to 100. More than one means the chain alone doesn't decide.",
            "Kandidaten sind die Dienste, aus denen die Bitcoins stammen können, der nächste zuerst, mit dem Betrag dort, dem Tag, den Schritten dazwischen und der Gewissheit von 0 bis 100. Mehrere heißt: Die Kette allein entscheidet es nicht.")) }
        div class="scroll" { table {
            (head(&heads, &[1, 5, 6]))
            tbody { @for p in r.payments.iter().take(PAYMENTS_LISTED) { tr {
                td data-label=(heads[0]) { (p.time.get(..16).unwrap_or(&p.time).replace('T', " ")) }
                td class="number" data-label=(heads[1]) { (btc(p.amount_sat)) }
                td data-label=(heads[2]) title=(p.to_address) { code { (short(&p.to_address)) } }
                td data-label=(heads[3]) title=(format!("{}:{}", p.out.txid, p.out.vout)) { code { (short(&p.out.txid)) ":" (p.out.vout) } }
                td data-label=(heads[4]) { (if p.direct { w.t("yes", "ja") } else { w.t("no", "nein") }) }
                td class="number" data-label=(heads[5]) { (p.wallet) }
                td class="number" data-label=(heads[6]) { (p.candidates.len()) }
                td data-label=(heads[7]) { (candidate(p)) }
            } } }
        } }
        @if r.payments.len() > PAYMENTS_LISTED { p { "+ " (r.payments.len() - PAYMENTS_LISTED) " " (w.t("in payments.csv", "in payments.csv")) } }
    }
}

/// Where money ended, in the reader's language.
fn end_name(end: &str, w: Words) -> String {
    match end {
        "mix" => w.t("a CoinJoin", "ein CoinJoin").to_owned(),
        "unspent" => w.t("not spent yet", "noch nicht ausgegeben").to_owned(),
        "limit" => w
            .t("not followed further", "nicht weiter verfolgt")
            .to_owned(),
        service => service.to_owned(),
    }
}

fn onward(r: &PayersReport, w: Words) -> Markup {
    let heads = [
        w.t("ended at", "endete bei"),
        w.t("outputs", "Ausgänge"),
        "poison, BTC",
        "haircut, BTC",
        "FIFO, BTC",
    ];
    html! {
        h2 { (w.t("Where the site's money went", "Wohin das Geld der Website ging")) }
        p class="hint" { (w.t(
            "Poison taints whatever a coin of the site touches. Haircut spreads taint by value. First in, first out hands satoshi on in their order (Clayton's case, 1816). None is the truth; name the rule you use.",
            "Poison färbt alles, was ein Betrag der Website berührt. Haircut verteilt nach Wert. First in, first out gibt Satoshi in ihrer Reihenfolge weiter (Clayton’s case, 1816). Keine Regel ist die Wahrheit; nennen Sie die, die Sie anwenden.")) }
        div class="scroll" { table {
            (head(&heads, &[1, 2, 3, 4]))
            tbody { @for a in &r.onward { tr {
                td data-label=(heads[0]) { (end_name(&a.end, w)) }
                td class="number" data-label=(heads[1]) { (a.outputs) }
                td class="number" data-label=(heads[2]) { (btc(a.poison_sat)) }
                td class="number" data-label=(heads[3]) { (btc(a.haircut_sat)) }
                td class="number" data-label=(heads[4]) { (btc(a.fifo_sat)) }
            } } }
        } }
    }
}

fn layer(name: &'static str, w: Words) -> &'static str {
    match name {
        "strong" => w.t("strong", "stark"),
        _ => w.t("weak", "schwach"),
    }
}

fn addresses(r: &PayersReport, w: Words) -> Markup {
    let heads = [
        w.t("address", "Adresse"),
        w.t("layer", "Ebene"),
        w.t("confidence", "Konfidenz"),
        w.t("because", "weil"),
    ];
    html! {
        h2 { (w.t("Addresses of the site", "Adressen der Website")) }
        details {
            summary { (r.addresses.len()) }
            div class="scroll" { table {
                (head(&heads, &[2]))
                tbody { @for a in r.addresses.iter().take(ADDRESSES_LISTED) { tr {
                    td data-label=(heads[0]) { code { (a.address) } }
                    td data-label=(heads[1]) { (layer(a.layer, w)) }
                    td class="number" data-label=(heads[2]) { (a.confidence) }
                    td class="hint" data-label=(heads[3]) { (a.because) }
                } } }
            } }
            @if r.addresses.len() > ADDRESSES_LISTED { p { "+ " (r.addresses.len() - ADDRESSES_LISTED) " in addresses.csv" } }
        }
        @if !r.doubtful.is_empty() { details {
            summary { (r.doubtful.len()) " " (w.t("doubtful", "zweifelhafte")) }
            ul { @for d in r.doubtful.iter().take(ADDRESSES_LISTED) { li { code { (d.address) } ": " (d.refused) } } }
        } }
    }
}

fn limits(r: &PayersReport, w: Words) -> Markup {
    let heads = [
        w.t("rule", "Regel"),
        w.t("layer", "Ebene"),
        w.t("confidence", "Konfidenz"),
        w.t("formula", "Formel"),
        w.t("measured", "gemessen"),
    ];
    html! {
        h2 { (w.t("Methods and limits", "Methoden und Grenzen")) }
        p { (w.t(
            "Structure (who spends together, which output is change) can be verified by anyone from the blocks: `obhut chain why A B --proof` writes what is needed. Attribution (whose address this is) is a claim by the source of the tag, and no better than its source.",
            "Struktur (was zusammen ausgegeben wird, welcher Ausgang Wechselgeld ist) kann jeder aus den Blöcken wiederholen: `obhut chain why A B --proof` schreibt, was dafür nötig ist. Zuschreibung (wessen Adresse das ist) ist die Behauptung dessen, der sie gemacht hat, und nicht besser als ihre Quelle.")) }
        div class="scroll" { table {
            (head(&heads, &[2]))
            tbody { @for h in heuristics::ALL { tr {
                td data-label=(heads[0]) { (h.name) }
                td data-label=(heads[1]) { (layer(h.strength.name(), w)) }
                td class="number" data-label=(heads[2]) { (h.confidence) }
                td data-label=(heads[3]) { (h.rule) }
                td data-label=(heads[4]) { (h.measured) }
            } } }
        } }
        p { (w.t(
            "Measured on artificial chains with known owners and scripted habits: errors are higher on the real chain, and no public measurement exists.",
            "Gemessen an erfundenen Ketten mit bekannten Eigentümern, deren Gewohnheiten geschrieben sind: Auf der echten Kette sind die Fehler größer, und öffentlich gemessen hat sie niemand.")) }
        p { (w.t("Excluded from strong links as detected or suspected CoinJoins: ", "Als erkannte oder vermutete CoinJoins von starken Verknüpfungen ausgenommen: ")) (coinjoins::ALL.iter().map(|m| m.name).collect::<Vec<_>>().join(", ")) ". "
            (w.t(
            "The source-of-funds trace ends at CoinJoins, services and newly mined coins; it never passes through them. Money that moved off the chain (Lightning, between customers of one service) isn't visible. Times are miners' clocks, accurate to about two hours.",
            "Die Herkunftsverfolgung endet an CoinJoins, Diensten und neu geminten Bitcoins und führt nie hindurch. Geld, das außerhalb der Blockchain floss (Lightning, zwischen Kunden eines Dienstes), ist nicht zu sehen. Zeiten sind Uhren der Miner, auf etwa zwei Stunden genau.")) }
        p { (w.t("The number of payers is a range: one person may own all these wallets, and each payment may come from a different person.", "Die Zahl der Zahler ist eine Spanne: Eine Person kann alle diese Wallets besitzen, und jede Zahlung kann von einer anderen Person stammen.")) }
        p class="hint" { (w.t("Index: ", "Index: ")) (r.sizes[0]) " " (w.t("transactions", "Transaktionen")) ", " (r.sizes[3]) " " (w.t("addresses", "Adressen")) "." }
    }
}
