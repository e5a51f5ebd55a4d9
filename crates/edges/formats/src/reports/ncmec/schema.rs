//! The CyberTipline schema of 2025-11-10 as a table: which element may occur where, how often and
//! with what content. [`faults`] validates a document by it; [`differences`] compares it with the
//! schema that the service publishes.
//!
//! Lengths are those of the documentation of 2025-06-11; the schema itself has none.
//! Where the schema's file is at hand, a test compares every line with it, and `xmllint` has the
//! last word about documents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::tree::Node;

mod xsd;

pub use xsd::differences;

/// One line for each type. `seq`: in this order; `all`: in any order, each at most once; `one`:
/// exactly one of them; `text:` a value of the type that follows; `empty`: attributes only. `?`
/// none or one, `*` any number, `+` one or more, `|` either of two, `@` an attribute. After `:` the
/// type, if it isn't named like the element; `s` is text, `s255` text of at most 255 characters.
const TYPES: &str = "
report seq batchedReport? incidentSummary internetDetails* lawEnforcement? reporter personOrUserReported* intendedRecipient* victim* additionalInfo?:s
batchedReport empty @reason:batchedReportReason
incidentSummary seq incidentType platform?:s256 escalateToHighPriority?:s3000 reportAnnotations? incidentDateTime:time incidentDateTimeDescription?:s3000
reportAnnotations all sextortion?:true csamSolicitation?:true minorToMinorInteraction?:true spam?:true sadisticOnlineExploitation?:true
internetDetails one webPageIncident emailIncident newsgroupIncident chatImIncident onlineGamingIncident cellPhoneIncident nonInternetIncident peer2peerIncident
webPageIncident seq url*:s2083 additionalInfo?:s @thirdPartyHostedContent?:bool
emailIncident seq emailAddress*:email content?:s additionalInfo?:s
newsgroupIncident seq name?:s255 emailAddress*:email content?:s additionalInfo?:s
chatImIncident seq chatClient?:s255 chatRoomName?:s255 content?:s additionalInfo?:s
onlineGamingIncident seq gameName?:s255 console?:s255 content?:s additionalInfo?:s
cellPhoneIncident seq phoneNumber?:phone latitude?:double longitude?:double additionalInfo?:s
nonInternetIncident seq locationName?:s255 incidentAddress*:address additionalInfo?:s
peer2peerIncident seq client?:s255 ipCaptureEvent* fileNames?:s additionalInfo?:s
lawEnforcement seq agencyName:s255 caseNumber?:s100 officerContact?:contactPerson reportedToLe?:bool servedLegalProcessDomestic?:bool servedLegalProcessInternational?
servedLegalProcessInternational text:bool @fleaCountry?:country
reporter seq reportingPerson:person contactPerson? companyTemplate?:s termsOfService?:s legalURL?:s2083
personOrUserReported seq personOrUserReportedPerson?:person vehicleDescription?:s300 espIdentifier?:s255 espService?:s100 compromisedAccount?:bool screenName?:s256 displayName*:s255 profileUrl*:s2083 profileBio?:s ipCaptureEvent* deviceId* thirdPartyUserReported?:bool priorCTReports*:long groupIdentifier?:s255 accountTemporarilyDisabled? accountPermanentlyDisabled? estimatedLocation? allEmailsReported?:bool associatedAccount* additionalInfo?:s
intendedRecipient seq intendedRecipientPerson?:person espIdentifier?:s255 espService?:s100 compromisedAccount?:bool screenName?:s256 displayName*:s255 profileUrl*:s2083 profileBio?:s ipCaptureEvent* deviceId* priorCTReports*:long groupIdentifier?:s255 accountTemporarilyDisabled? accountPermanentlyDisabled? estimatedLocation? allEmailsReported?:bool additionalInfo*:s
victim seq victimPerson:person espIdentifier?:s255 espService?:s100 compromisedAccount?:bool screenName?:s256 displayName*:s255 profileUrl*:s2083 profileBio?:s ipCaptureEvent* deviceId* schoolName?:s255 priorCTReports*:long accountTemporarilyDisabled? accountPermanentlyDisabled? estimatedLocation? allEmailsReported?:bool associatedAccount* additionalInfo?:s
fileDetails seq reportId:long fileId:token fileName?:s originalFileName?:s2056 uploadedToEspTimestamp?:time locationOfFile?:s2083 fileViewedByEsp?:bool exifViewedByEsp?:bool publiclyAvailable?:bool fileRelevance? potentialMeme?:bool|fileAnnotations? industryClassification?:fileClassification originalFileHash*:hash ipCaptureEvent? deviceId* details* additionalInfo*:s
fileAnnotations all animeDrawingVirtualHentai?:true potentialMeme?:true viral?:true possibleSelfProduction?:true physicalHarm?:true violenceGore?:true bestiality?:true liveStreaming?:true infant?:true generativeAi?:true
details seq nameValuePair+:nameValue @type?:metadataTypes
nameValue seq name:s64 value:s
hash text:s @hashType:s64
person seq firstName?:s100 lastName?:s100 phone* email* address* age?:int dateOfBirth?:date
contactPerson seq firstName?:s100 lastName?:s100 phone* email* address*
address seq address?:s255 city?:s100 zipCode?:s20 state? nonUsaState?:s100 country? @type?:addressType
email text:s255 @type?:emailType @verified?:bool @verificationDate?:time
phone text:s50 @type?:phoneType @verified?:bool @verificationDate?:time @countryCallingCode?:phoneCountryCallingCode @extension?:phoneExtension
estimatedLocation seq city?:s255 region?:s255 countryCode?:country @verified?:bool @timestamp?:time
ipCaptureEvent seq ipAddress:s eventName?:ipCaptureType dateTime?:time possibleProxy?:bool port?:int
deviceId seq idType:s255 idValue:s2083 eventName?:ipCaptureType dateTime?:time
accountTemporarilyDisabled text:bool @disabledDate?:time @userNotified?:bool @userNotifiedDate?:time @reenabledDate?:time
accountPermanentlyDisabled text:bool @disabledDate?:time @userNotified?:bool @userNotifiedDate?:time
associatedAccount seq platform?:associatedPlatform firstName?:s100 middleName?:s100 lastName?:s100 approximateAge?:int dateOfBirth?:date phone* email* allEmailsReported?:bool address* espService?:s100 espIdentifier?:s255 profileUrl*:s2083 screenName?:s256 displayName*:s255 profileBio?:s groupIdentifier?:s255 compromisedAccount?:bool accountTemporarilyDisabled? accountPermanentlyDisabled? ipCaptureEvent* deviceId* priorCTReport*:long additionalInfo?:s @type:associatedAccountType
associatedPlatform text:s @thirdPartyUser?:bool
reportResponse seq responseCode:int responseDescription:s reportId?:long fileId?:token hash?:token
reportDoneResponse seq responseCode:int reportId:long files
files seq fileId*:s
";

/// One line for each closed set of words: its name, then the words, separated by bars.
const WORDS: &str = "
batchedReportReason|VIRAL_POTENTIAL_MEME
incidentType|Child Pornography (possession, manufacture, and distribution)|Child Sex Trafficking|Child Sex Tourism|Child Sexual Molestation|Misleading Domain Name|Misleading Words or Digital Images on the Internet|Online Enticement of Children for Sexual Acts|Unsolicited Obscene Material Sent to a Child
addressType|Home|Business|Billing|Shipping|Technical
emailType|Home|Work|Business|Recovery
phoneType|Mobile|Home|Business|Work|Fax|Internet|Recovery
ipCaptureType|Login|Registration|Purchase|Upload|Other|Unknown
associatedAccountType|Billing|Linked|Business|Creator|Parent/Guardian|Other
fileRelevance|Reported|Supplemental Reported
fileClassification|A1|A2|B1|B2
metadataTypes|EXIF|HASH
state||AK|AL|AR|AZ|CA|CO|CT|DC|DE|FL|GA|GU|HI|IA|ID|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|MS|MT|NC|ND|NE|NH|NJ|NM|NV|NY|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VA|VI|VT|WA|WI|WV|WY
country||A1|A2|O1|AD|AE|AF|AG|AI|AL|AM|AN|AO|AP|AQ|AR|AS|AT|AU|AW|AX|AZ|BA|BB|BD|BE|BF|BG|BH|BI|BJ|BL|BM|BN|BO|BQ|BR|BS|BT|BV|BW|BY|BZ|CA|CC|CD|CF|CG|CH|CI|CK|CL|CM|CN|CO|CR|CU|CV|CX|CW|CY|CZ|DE|DJ|DK|DM|DO|DZ|EC|EE|EG|EH|ER|ES|ET|EU|FI|FJ|FK|FM|FO|FR|FX|GA|GB|GD|GE|GF|GG|GH|GI|GL|GM|GN|GP|GQ|GR|GS|GT|GU|GW|GY|HK|HM|HN|HR|HT|HU|ID|IE|IL|IM|IN|IO|IQ|IR|IS|IT|JE|JM|JO|JP|KE|KG|KH|KI|KM|KN|KP|KR|KW|KY|KZ|LA|LB|LC|LI|LK|LR|LS|LT|LU|LV|LY|MA|MC|MD|ME|MF|MG|MH|MK|ML|MM|MN|MO|MP|MQ|MR|MS|MT|MU|MV|MW|MX|MY|MZ|NA|NC|NE|NF|NG|NI|NL|NO|NP|NR|NU|NZ|OM|PA|PE|PF|PG|PH|PK|PL|PM|PN|PR|PS|PT|PW|PY|QA|RE|RO|RS|RU|RW|SA|SB|SC|SD|SE|SG|SH|SI|SJ|SK|SL|SM|SN|SO|SR|SS|ST|SV|SX|SY|SZ|TC|TD|TF|TG|TH|TJ|TK|TL|TM|TN|TO|TR|TT|TV|TW|TZ|UA|UG|UM|US|UY|UZ|VA|VC|VE|VG|VI|VN|VU|WF|WS|XK|YE|YT|ZA|ZM|ZW
";

/// A fault of a document: where it is, what is wrong, and which source says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchemaFault {
    /// Elements from the root down, `report/victim[1]/screenName`. Faults of the schema number the
    /// elements of a sequence that may repeat, from 1; faults of the documentation's rules number
    /// none.
    pub path: String,
    /// What is wrong, without any of the content.
    pub what: String,
    /// The schema, or the documentation.
    pub source: &'static str,
}

pub(super) const SCHEMA: &str = "CyberTipline schema of 2025-11-10";
/// Source of the rules beyond the schema.
pub const DOCUMENTATION: &str = "CyberTipline documentation of 2025-06-11";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Sequence,
    All,
    One,
    Text,
    Empty,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Particle {
    /// Allowed names, each with its type; more than one is a choice.
    names: Vec<(String, String)>,
    min: u8,
    many: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Attribute {
    name: String,
    of: String,
    required: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Type {
    order: Order,
    text: String,
    particles: Vec<Particle>,
    attributes: Vec<Attribute>,
}

struct Schema {
    types: BTreeMap<String, Type>,
    words: BTreeMap<String, Vec<String>>,
}

static PINNED: LazyLock<Schema> = LazyLock::new(|| Schema {
    types: TYPES
        .lines()
        .filter(|l| !l.is_empty())
        .map(read_type)
        .collect(),
    words: WORDS
        .lines()
        .filter(|l| !l.is_empty())
        .map(|line| {
            // state and country begin with an empty word: the schema allows an empty value.
            let mut words = line.split('|').map(str::to_owned);
            (words.next().expect("a name"), words.collect())
        })
        .collect(),
});

fn read_type(line: &str) -> (String, Type) {
    let mut words = line.split_whitespace();
    let name = words.next().expect("a name").to_owned();
    let how = words.next().expect("an order");
    let mut made = Type {
        order: match how {
            "seq" => Order::Sequence,
            "all" => Order::All,
            "one" => Order::One,
            "empty" => Order::Empty,
            _ => Order::Text,
        },
        text: how.strip_prefix("text:").unwrap_or_default().to_owned(),
        particles: Vec::new(),
        attributes: Vec::new(),
    };
    for word in words {
        if let Some(attribute) = word.strip_prefix('@') {
            let (name, of) = attribute.split_once(':').expect("attributes name a type");
            made.attributes.push(Attribute {
                required: !name.ends_with('?'),
                name: name.trim_end_matches('?').to_owned(),
                of: of.to_owned(),
            });
            continue;
        }
        let mut particle = Particle {
            names: Vec::new(),
            min: 1,
            many: false,
        };
        for one in word.split('|') {
            let (name, of) = one.split_once(':').unwrap_or((one, ""));
            let plain = name.trim_end_matches(['?', '*', '+']);
            if name.ends_with(['?', '*']) {
                particle.min = 0;
            }
            particle.many |= name.ends_with(['*', '+']);
            let of = if of.is_empty() { plain } else { of };
            particle.names.push((plain.to_owned(), of.to_owned()));
        }
        made.particles.push(particle);
    }
    (name, made)
}

/// The type of the child element `name`, or of the attribute `@name`, in the type `parent`. Panics
/// if the schema has no such type or no such name in it.
pub(super) fn type_of(parent: &str, name: &str) -> &'static str {
    let made = &PINNED.types[parent];
    let of = match name.strip_prefix('@') {
        Some(name) => made
            .attributes
            .iter()
            .find(|a| a.name == name)
            .map(|a| &a.of),
        None => made
            .particles
            .iter()
            .flat_map(|p| &p.names)
            .find(|(n, _)| n == name)
            .map(|(_, of)| of),
    };
    // Names come from our own code, never from input: a miss is a bug.
    of.expect("the schema knows what is written here")
}

/// The type of the text in an element of type `of`: `of` itself for a plain value, empty if it has
/// only child elements or attributes.
pub(super) fn text_type(of: &'static str) -> &'static str {
    PINNED.types.get(of).map_or(of, |made| &made.text)
}

/// Longest text of a type, in characters, by the documentation; `None` if it sets no limit.
pub(super) fn chars_max(of: &str) -> Option<usize> {
    // `state` begins with s too, but `tate` is not a number; a plain `s` has no limit.
    of.strip_prefix('s').and_then(|n| n.parse().ok())
}

/// Why a text isn't a valid value of that type, if it isn't. A type with [`chars_max`] isn't
/// checked for its length here.
pub(super) fn misfit(text: &str, of: &str) -> Option<String> {
    let mut found = Vec::new();
    value(text, of, "", &mut found);
    let fault = found
        .into_iter()
        .find(|f| chars_max(of).is_none() || f.source == SCHEMA)?;
    Some(match PINNED.words.get(of) {
        // Only short sets are listed: country has hundreds of words.
        Some(words) if words.len() <= 10 => format!("is none of {}", words.join(", ")),
        _ => fault.what,
    })
}

/// True if the closed set has the word. Panics if the schema has no such set.
pub fn knows(set: &str, word: &str) -> bool {
    PINNED.words[set].iter().any(|w| w == word)
}

/// The names of all elements a report or its file details may have.
pub fn elements() -> Vec<&'static str> {
    let answers = ["reportResponse", "reportDoneResponse", "files"];
    let mut names: Vec<&str> = PINNED
        .types
        .iter()
        .filter(|(name, _)| !answers.contains(&name.as_str()))
        .flat_map(|(_, made)| &made.particles)
        .flat_map(|p| &p.names)
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Every rule of the schema, and every length of the documentation, that a document breaks.
pub fn faults(document: &Node) -> Vec<SchemaFault> {
    let mut found = Vec::new();
    match document.name.as_str() {
        root @ ("report" | "fileDetails" | "reportResponse" | "reportDoneResponse") => {
            element(document, root, root.to_owned(), &mut found);
        }
        _ => found.push(SchemaFault {
            path: String::new(),
            what: "the schema has no such root element".into(),
            source: SCHEMA,
        }),
    }
    found
}

fn element(node: &Node, of: &str, path: String, found: &mut Vec<SchemaFault>) {
    let Some(made) = PINNED.types.get(of) else {
        // A plain value: no child elements allowed.
        if let Some(child) = node.children.first() {
            found.push(unexpected(&path, &child.name, ""));
        }
        if let Some(attribute) = node.attributes.first() {
            found.push(unexpected(&path, &format!("@{}", attribute.0), ""));
        }
        value(&node.text, of, &path, found);
        return;
    };
    for (name, text) in &node.attributes {
        match made.attributes.iter().find(|a| a.name == *name) {
            Some(known) => value(text, &known.of, &format!("{path}/@{name}"), found),
            None => found.push(unexpected(&path, &format!("@{name}"), "")),
        }
    }
    for attribute in made.attributes.iter().filter(|a| a.required) {
        if node.attribute(&attribute.name).is_none() {
            found.push(SchemaFault {
                path: format!("{path}/@{}", attribute.name),
                what: "is missing".into(),
                source: SCHEMA,
            });
        }
    }
    if made.order == Order::Text {
        if let Some(child) = node.children.first() {
            found.push(unexpected(&path, &child.name, ""));
        }
        value(&node.text, &made.text, &path, found);
        return;
    }
    if !node.text.trim().is_empty() {
        found.push(SchemaFault {
            path: path.clone(),
            what: "has text where only elements are allowed".into(),
            source: SCHEMA,
        });
    }
    match made.order {
        Order::Sequence => sequence(node, made, &path, found),
        Order::All | Order::One => any_order(node, made, &path, found),
        _ => {
            if let Some(child) = node.children.first() {
                found.push(unexpected(&path, &child.name, ""));
            }
        }
    }
}

fn sequence(node: &Node, made: &Type, path: &str, found: &mut Vec<SchemaFault>) {
    let mut rest = node.children.as_slice();
    for particle in &made.particles {
        let fits = |n: &Node| particle.names.iter().find(|(name, _)| *name == n.name);
        let most = if particle.many { usize::MAX } else { 1 };
        let mut count = 0;
        // Greedy without backtracking: no content of this schema can be read in two ways.
        while let Some(of) = rest.first().and_then(fits).filter(|_| count < most) {
            count += 1;
            let number = match particle.many {
                true => format!("[{count}]"),
                false => String::new(),
            };
            element(&rest[0], &of.1, format!("{path}/{}{number}", of.0), found);
            rest = &rest[1..];
        }
        if count < usize::from(particle.min) {
            let expected = &particle.names[0].0;
            found.push(match rest.first() {
                Some(other) => unexpected(path, &other.name, expected),
                None => SchemaFault {
                    path: format!("{path}/{expected}"),
                    what: "is missing".into(),
                    source: SCHEMA,
                },
            });
        }
    }
    if let Some(left) = rest.first() {
        found.push(unexpected(path, &left.name, ""));
    }
}

fn any_order(node: &Node, made: &Type, path: &str, found: &mut Vec<SchemaFault>) {
    if made.order == Order::One && node.children.len() != 1 {
        found.push(SchemaFault {
            path: path.to_owned(),
            what: "takes exactly one of its kinds".into(),
            source: SCHEMA,
        });
    }
    let mut seen: Vec<&str> = Vec::new();
    for child in &node.children {
        let known = made
            .particles
            .iter()
            .flat_map(|p| &p.names)
            .find(|(name, _)| *name == child.name);
        match known {
            Some((name, of)) if !seen.contains(&name.as_str()) => {
                seen.push(name);
                element(child, of, format!("{path}/{name}"), found);
            }
            _ => found.push(unexpected(path, &child.name, "")),
        }
    }
}

fn unexpected(path: &str, name: &str, expected: &str) -> SchemaFault {
    // The name comes from the document, so only what may be a name of the schema is repeated.
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "@/_".contains(c));
    let name = if plain && name.len() <= 60 {
        name
    } else {
        "…"
    };
    SchemaFault {
        path: path.to_owned(),
        what: match expected {
            "" => format!("'{name}' isn't allowed here"),
            expected => format!("'{name}' found, '{expected}' expected"),
        },
        source: SCHEMA,
    }
}

fn value(text: &str, of: &str, path: &str, found: &mut Vec<SchemaFault>) {
    let mut fault = |what: String, source| {
        found.push(SchemaFault {
            path: path.to_owned(),
            what,
            source,
        });
    };
    let plain = text.trim();
    if let Some(words) = PINNED.words.get(of) {
        if !words.iter().any(|w| w == text) {
            fault("is none of the words the schema knows".into(), SCHEMA);
        }
        return;
    }
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let wrong = match of {
        "bool" => !matches!(plain, "true" | "false" | "1" | "0"),
        // An element whose value is fixed may also be empty.
        "true" => !matches!(plain, "" | "true" | "1"),
        "int" => plain.parse::<i32>().is_err(),
        "long" => plain.parse::<i64>().is_err(),
        "double" => !double(plain),
        "date" => !date(plain),
        "time" => !time(plain),
        "phoneCountryCallingCode" => !text
            .strip_prefix('+')
            .is_some_and(|d| digits(d) && d.len() <= 3),
        "phoneExtension" => !digits(text),
        _ => false,
    };
    if wrong {
        fault(format!("isn't a valid {of}"), SCHEMA);
        return;
    }
    if of == "phoneExtension" && text.len() > 10 {
        fault("has more than 10 digits".into(), DOCUMENTATION);
    }
    if let Some(max) = chars_max(of) {
        let chars = text.chars().count();
        if chars > max {
            fault(
                format!("has {chars} characters, {max} are allowed"),
                DOCUMENTATION,
            );
        }
    }
}

fn double(text: &str) -> bool {
    // As XML Schema spells them; Rust would also parse `inf` and `infinity`.
    matches!(text, "INF" | "-INF" | "NaN")
        || (text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
            && text.parse::<f64>().is_ok())
}

/// True for `YYYY-MM-DD`, optionally with a zone, as XML Schema writes it.
fn date(text: &str) -> bool {
    let day = zone(text).unwrap_or(text);
    day.len() == 10
        && day.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && day.parse::<jiff::civil::Date>().is_ok()
}

/// True for `YYYY-MM-DDThh:mm:ss`, optionally with a fraction and a zone.
fn time(text: &str) -> bool {
    let plain = zone(text).unwrap_or(text);
    let Some((day, hour)) = plain.split_once('T') else {
        return false;
    };
    // XML Schema allows 24:00:00 for the end of a day and has no leap seconds.
    let (clock, fraction) = hour.split_once('.').unwrap_or((hour, "0"));
    day.len() == 10
        && clock.len() == 8
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && day.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && day.parse::<jiff::civil::Date>().is_ok()
        && (clock == "24:00:00"
            || (clock.bytes().all(|b| b.is_ascii_digit() || b == b':')
                && !clock.ends_with("60")
                && clock.parse::<jiff::civil::Time>().is_ok()))
}

/// The text without its zone, if it ends with one.
fn zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_suffix('Z') {
        return Some(rest);
    }
    let at = text.len().checked_sub(6)?;
    let (rest, offset) = (text.get(..at)?, text.get(at..)?);
    if !offset.is_ascii() {
        return None;
    }
    let bytes = offset.as_bytes();
    let sign = matches!(bytes[0], b'+' | b'-') && bytes[3] == b':';
    let number = |t: &str| {
        t.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| t.parse::<u8>().ok())
    };
    let hours = number(&offset[1..3])??;
    let minutes = number(&offset[4..6])??;
    // Zones end at 14:00 in XML Schema.
    (sign && (hours < 14 && minutes < 60 || hours == 14 && minutes == 0)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use obhut_fakes::cybertip::schema::as_xsd;

    /// The fake's schema was written independently of this table.
    #[test]
    fn the_fake_publishes_the_schema_of_the_table() {
        assert_eq!(differences(&as_xsd()), Vec::<String>::new());
    }

    #[test]
    fn the_pinned_schema_is_the_table() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../../shared/data/ncmec/cyber_tipline_2025-11-10_boostport.xsd");
        match std::fs::read_to_string(path) {
            Ok(xsd) => assert_eq!(differences(&xsd), Vec::<String>::new()),
            Err(_) => println!("not present: the CyberTipline schema"),
        }
    }

    #[test]
    fn a_change_of_the_service_is_named() {
        // A new element, a word that is gone, an element that is gone.
        let xsd = as_xsd()
            .replace("<xs:element name=\"spam\"", "<xs:element name=\"informational\" type=\"xs:boolean\" minOccurs=\"0\" fixed=\"true\"/><xs:element name=\"spam\"")
            .replace("<xs:enumeration value=\"B2\"/>", "")
            .replace("<xs:element name=\"vehicleDescription\" type=\"xs:string\" minOccurs=\"0\"/>", "");
        assert_eq!(
            differences(&xsd),
            [
                "personOrUserReported no longer has vehicleDescription",
                "reportAnnotations has the new informational",
                "fileClassification no longer has the word \"B2\"",
            ]
        );
    }

    #[test]
    fn faults_are_named_by_path_and_without_content() {
        for (xml, expected) in [
            (
                "<report><reporter/></report>",
                "report: 'reporter' found, 'incidentSummary' expected",
            ),
            (
                "<reportResponse><responseCode>x</responseCode><responseDescription/></reportResponse>",
                "reportResponse/responseCode: isn't a valid int",
            ),
            // The content of the attribute must not appear in the message.
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><details type='SECRET'><nameValuePair><name>n</name><value>v</value></nameValuePair></details></fileDetails>",
                "fileDetails/details[1]/@type: is none of the words the schema knows",
            ),
            (
                "<fileDetails><reportId>1</reportId><fileId>a</fileId><potentialMeme>true</potentialMeme><fileAnnotations/></fileDetails>",
                "fileDetails: 'fileAnnotations' isn't allowed here",
            ),
        ] {
            let said: Vec<_> = faults(&tree::parse(xml).unwrap())
                .iter()
                .map(|f| format!("{}: {}", f.path, f.what))
                .collect();
            assert!(said.contains(&expected.to_owned()), "{said:?}");
        }
    }
}
