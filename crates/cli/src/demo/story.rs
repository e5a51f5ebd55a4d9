//! What happened before the demo begins: three days of a small platform, put on record in a new data
//! folder hour by hour. People, accounts and reports are made up, pictures are generated landscapes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context as _;
use indicatif::ProgressBar;
use obhut_app::casework::{
    self, Action, Casework, Clock, DataFolder, DecisionRequest, Extent, Facts, Person, Purpose,
    Reporter, Right, Role, Ruling, Sealed, Subject, Surface, SystemClock, UploadFacts,
};
use obhut_app::formats::incoming;
use obhut_app::formats::transfers::{Mapping, Reader};
use obhut_app::media::{self, ListSettings, ScreenOptions, Screener};
use obhut_app::payments::{History, Policy, Relations, Transfers, scan_history};
use obhut_fakes::pictures::Landscape;
use obhut_fakes::transfers::{Recipe, files as made_files, synthesize};
use obhut_hash::{Pixels, kinds};

use crate::app_context;

/// User name and password at the demo's fake CyberTipline.
pub const FAKE_LOGIN: &str = "demo";

/// A person of the demo, and the key they sign in with.
pub struct Login {
    pub name: &'static str,
    pub roles: Vec<&'static str>,
    pub key: String,
}

const HOUR: i64 = 3_600 * 1_000_000;
/// When the story begins, in hours before now.
const BEGINS: i64 = 74;
/// Looks at exhibits that each person may have a day.
const LOOKS_A_DAY: i64 = 200;
/// Landscapes on the hash list, from number 0.
const LISTED: u32 = 30;
/// The animation on the hash list.
const ANIMATION: u32 = 90;

/// Name, roles, and whether their key shows what matched.
const PEOPLE: [(&str, &[Role], bool); 6] = [
    ("Rita", &[Role::Reviewer], true),
    ("Sami", &[Role::Reviewer, Role::Appeals], true),
    ("Olga", &[Role::ReportingOfficer], false),
    ("Ada", &[Role::Administrator, Role::ListSteward], true),
    ("Grace", &[Role::ListSteward], false),
    ("Uwe", &[Role::Auditor], false),
];

/// An account's uploads: its name, hours before now, and the landscapes.
const UPLOADS: [(&str, i64, &[u32]); 9] = [
    ("marlow.7", 70, &[0, 1, 2]),
    ("tuesday.trees", 47, &[5]),
    ("fenwick_22", 31, &[6]),
    ("quiet_harbor", 22, &[3, 4]),
    (
        "old-orchard",
        21,
        &[9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    ),
    ("saltmarsh", 9, &[0]),
    ("northpole_k", 6, &[7, 8]),
    ("nine_lamps", 5, &[22, 23]),
    ("paper.kite", 1, &[24]),
];

/// What others reported: hours before now, and their words.
const INCOMING: [(i64, &str); 5] = [
    (
        40,
        "Dienst: example\nKonto: harbour_light\nEin Nutzer meldet ein Bild im öffentlichen Profil. Er hat es nicht gespeichert.",
    ),
    (
        24,
        "My daughter (12) is being blackmailed. He calls himself bluefox_demo and wants her to meet him on Saturday. She is afraid to go to school.",
    ),
    (
        18,
        "Account: harbour_light\nSecond report about the same profile picture.",
    ),
    (
        11,
        "A user says that the account spring_rain sells links. No further details.",
    ),
    (
        3,
        "Ein Lehrer meldet: Eine Schülerin (13) wird von einem Konto namens copper_moon unter Druck gesetzt, heute Abend zu kommen.",
    ),
];

/// Known about an account beyond its uploads, as JSON of [`Facts`].
const KNOWN: [(&str, &str); 3] = [
    (
        "marlow.7",
        r#"{"incident":"material","platform":"Example","detected_by":"hash-match","reported":{"id":"marlow.7","screen_name":"marlow.7","person":{"emails":[{"address":"marlow7@example.org"}]},"ip_events":[{"address":"203.0.113.24","event":"Login"}]}}"#,
    ),
    (
        "quiet_harbor",
        r#"{"incident":"material","platform":"Example","detected_by":"hash-match","reported":{"id":"quiet_harbor","screen_name":"quiet_harbor"}}"#,
    ),
    (
        "northpole_k",
        r#"{"incident":"enticement","platform":"Example","risks":["meeting-planned","escalating-contact"],"reported":{"id":"northpole_k","screen_name":"northpole_k"},"threads":[{"service":"Example chat","messages":[{"from":"northpole_k","to":["lina_skates"],"text":"are you alone on saturday"},{"from":"lina_skates","to":["northpole_k"],"text":"i have training until four"},{"from":"northpole_k","to":["lina_skates"],"text":"i will wait at the station then. tell nobody"}]}],"payments":[{"amount":"40.00","currency":"EUR","from":"northpole_k","to":"lina_skates","method":"gift card"}]}"#,
    ),
];

/// What was decided about an account's case, and what followed.
struct Decided {
    account: &'static str,
    viewed: bool,
    ruling: Ruling,
    grounds: &'static str,
    approved: bool,
    appeal: Option<&'static str>,
}

const DECIDED: [Decided; 4] = [
    Decided {
        account: "marlow.7",
        viewed: true,
        ruling: Ruling::Report,
        grounds: "viewed every file: what the list says it is",
        approved: true,
        appeal: None,
    },
    Decided {
        account: "tuesday.trees",
        viewed: false,
        ruling: Ruling::Report,
        grounds: "matches a signed list; reported without being viewed",
        approved: true,
        appeal: Some("I took this photograph myself, on a walk. Please look at it again."),
    },
    Decided {
        account: "fenwick_22",
        viewed: true,
        ruling: Ruling::NoReport,
        grounds: "viewed: a landscape, the match is wrong",
        approved: false,
        appeal: None,
    },
    Decided {
        account: "quiet_harbor",
        viewed: true,
        ruling: Ruling::Report,
        grounds: "viewed every file: what the list says it is",
        approved: false,
        appeal: None,
    },
];

/// A clock that the story moves.
struct StoryClock(AtomicI64);

impl Clock for StoryClock {
    fn now_micros(&self) -> i64 {
        // Each reading is a little later: two things never happen at exactly the same time.
        self.0.fetch_add(1_000, Ordering::Relaxed)
    }
}

/// Fills a new data folder; reports go to the fake CyberTipline at this address. Returns who can
/// sign in.
pub async fn fill(
    data: &Path,
    cybertipline: SocketAddr,
    progress: &ProgressBar,
) -> anyhow::Result<Vec<Login>> {
    let now = SystemClock.now_micros();
    let clock = Arc::new(StoryClock(AtomicI64::new(now - BEGINS * HOUR)));
    let casework = obhut_app::open(DataFolder::new(data), None, clock.clone()).await?;
    let (people, logins) = people(&casework).await?;
    let story = Story {
        casework: &casework,
        clock: &clock,
        now,
        people: &people,
        progress,
    };
    story.set_up(cybertipline).await?;
    story.uploads().await?;
    story.transfers(data).await?;
    casework::seal_rows(&casework).await?;
    Ok(logins)
}

async fn people(casework: &Casework) -> anyhow::Result<(Vec<Person>, Vec<Login>)> {
    let (mut people, mut logins) = (Vec::new(), Vec::new());
    for (name, roles, findings) in PEOPLE {
        let person = casework::add_person(casework, name, roles, "demo").await?;
        let mut rights = vec![Right::Cases, Right::Decide];
        if findings {
            rights.push(Right::Findings);
        }
        if roles.contains(&Role::ListSteward) {
            rights.push(Right::Curate);
        }
        let (_, key) = casework::create_key(casework, name, &rights, Some(&person), "demo").await?;
        people.push(person);
        logins.push(Login {
            name,
            roles: roles.iter().map(|r| r.word()).collect(),
            key,
        });
    }
    Ok((people, logins))
}

struct Story<'a> {
    casework: &'a Casework,
    clock: &'a StoryClock,
    now: i64,
    people: &'a [Person],
    progress: &'a ProgressBar,
}

impl Story<'_> {
    /// Moves on to some hours before now; never back.
    fn at(&self, hours: i64) {
        let to = self.now - hours * HOUR;
        self.clock.0.fetch_max(to, Ordering::Relaxed);
        self.progress.inc(1);
    }

    fn person(&self, name: &str) -> &Person {
        let person = self.people.iter().find(|p| p.name == name);
        person.expect("a person of the demo")
    }

    /// The platform, its hash list, and the destination of its reports.
    async fn set_up(&self, cybertipline: SocketAddr) -> anyhow::Result<()> {
        let casework = self.casework;
        let reporter = Reporter {
            service: "Example".into(),
            first_name: "Olga".into(),
            last_name: "Demo".into(),
            email: "trust@example.org".into(),
            ..Reporter::default()
        };
        casework::set_reporter(casework, &reporter, "demo").await?;
        casework::set_exposure_cap(casework, Some(LOOKS_A_DAY), self.person("Ada")).await?;
        let settings = ListSettings {
            name: "demo-hotline".into(),
            owner: "Demo Hotline".into(),
            purpose: Purpose::Assessed,
            basis: "generated pictures, no legal basis needed".into(),
            action: Action::Hold,
        };
        media::import_list(casework, &settings, list().as_bytes(), "demo").await?;
        for name in ["Ada", "Grace"] {
            media::sign_list(casework, &settings.name, self.person(name)).await?;
        }
        // A second list waits for its signatures.
        let partner = ListSettings {
            name: "demo-partner".into(),
            owner: "Demo Partner".into(),
            ..settings
        };
        media::import_list(casework, &partner, list().as_bytes(), "demo").await?;
        let mut channel = casework::channel(casework, "ncmec").await?;
        channel.url = Some(format!("http://{cybertipline}/ispws"));
        channel.user = Some(FAKE_LOGIN.into());
        channel.secret = Some(Sealed::new(FAKE_LOGIN.into()));
        channel.officer = Some(self.person("Olga").id.clone());
        casework::set_channel(casework, &channel, self.person("Ada")).await?;
        Ok(())
    }

    async fn uploads(&self) -> anyhow::Result<()> {
        let options = ScreenOptions::default();
        let screener = media::screener(self.casework, app_context::pool()?, options).await?;
        let mut since = BEGINS;
        for (account, hours, landscapes) in UPLOADS {
            self.incoming(since, hours).await?;
            since = hours;
            for (n, landscape) in landscapes.iter().enumerate() {
                self.at(hours);
                // Copies differ from what is listed, as real ones do.
                let scene = scene(*landscape);
                let bytes = match n % 3 {
                    0 => scene.scaled(260).png(),
                    1 => scene.brighter(9).webp(),
                    _ => scene.scaled(460).brighter(-6).png(),
                };
                self.upload(&screener, account, n, &bytes).await?;
            }
            if account == "nine_lamps" {
                let bytes = Landscape::gif(ANIMATION, 180, 120, 24);
                self.upload(&screener, account, 9, &bytes).await?;
            }
            let case = self.case_of(account).await?;
            let known = KNOWN.iter().find(|(known, _)| *known == account);
            if let Some((_, json)) = known {
                let facts = Facts::from_json(json.as_bytes())?;
                casework::set_facts(self.casework, &case, &facts, "demo").await?;
            }
            let decided = DECIDED.iter().find(|d| d.account == account);
            if let Some(decided) = decided {
                self.at(hours - 1);
                self.decide(decided, &case).await?;
            }
        }
        Ok(())
    }

    async fn upload(
        &self,
        screener: &Screener,
        account: &str,
        n: usize,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        let subject = Subject {
            group: account.into(),
            account: Some(Sealed::new(account.into())),
            name: Some(Sealed::new(format!("IMG_{:04}", 1_200 + 7 * n))),
            surface: Surface::Public,
            uploaded_at: Some(self.clock.now_micros()),
            before_release: true,
            upload: UploadFacts {
                // Source of the block: RFC 5737, for documentation.
                ip: Some(format!("203.0.113.{}", 20 + account.len())),
                screen_name: Some(account.into()),
                ..UploadFacts::default()
            },
            digests: None,
        };
        let screened = screener.screen_bytes(bytes);
        let recorded =
            media::record(self.casework, &screened, &subject, Some(bytes), "demo").await?;
        recorded
            .case
            .with_context(|| format!("landscape {n} of {account} matched nothing: {screened:?}"))?;
        Ok(())
    }

    /// The newest case about an account.
    async fn case_of(&self, account: &str) -> anyhow::Result<String> {
        for case in casework::cases(self.casework, None).await? {
            let detail = casework::case(self.casework, &case.id).await?;
            if detail.case.account.is_some_and(|a| a.expose() == account) {
                return Ok(case.id);
            }
        }
        anyhow::bail!("no case about {account}")
    }

    /// Takes in the reports that came more than `until` and at most `since` hours before now.
    async fn incoming(&self, since: i64, until: i64) -> anyhow::Result<()> {
        let mut intake = obhut_app::intake::begin_intake(self.casework).await?;
        let came = INCOMING
            .iter()
            .filter(|(hours, _)| (until + 1..=since).contains(hours));
        for (hours, text) in came {
            self.at(*hours);
            let parsed = incoming::read(text.as_bytes());
            intake.take(vec![parsed], "demo").await?;
        }
        Ok(())
    }

    async fn transfers(&self, data: &Path) -> anyhow::Result<()> {
        self.at(2);
        let recipe = Recipe {
            transfers: 6_000,
            seed: 7,
            ..Recipe::default()
        };
        let file = data.join("transfers.csv");
        let mut csv = Vec::new();
        made_files::csv(&synthesize(&recipe), &mut csv)?;
        std::fs::write(&file, csv)?;
        let mut transfers = Transfers::new(self.clock.now_micros()).keeping_tx();
        let mut history = History::new(false);
        let mut reader = Reader::new(Mapping::default());
        reader.read(&file, &mut transfers, &mut |t| history.push(&t))?;
        std::fs::remove_file(&file)?;
        let found = scan_history(
            history,
            &Policy::default(),
            Relations::new(Vec::new()),
            None,
        )?;
        obhut_app::payments::record_scan(self.casework, &found, &transfers, "demo").await?;
        Ok(())
    }

    /// Rita decides a case; what she reports, Olga approves, but for what still waits for her.
    async fn decide(&self, decided: &Decided, case: &str) -> anyhow::Result<()> {
        let casework = self.casework;
        let (rita, olga) = (self.person("Rita"), self.person("Olga"));
        if decided.viewed {
            for exhibit in casework::exhibits_of_case(casework, case).await? {
                let purpose = format!("review of {case}");
                casework::view(casework, &exhibit.id, rita, &purpose, Extent::Whole).await?;
            }
        }
        let request = DecisionRequest {
            ruling: decided.ruling,
            grounds: decided.grounds.into(),
            category: None,
        };
        casework::decide(casework, case, rita, &request).await?;
        if decided.ruling == Ruling::Report {
            let report =
                obhut_app::reports::file_one(casework, case, "ncmec", false, &rita.id).await?;
            if decided.approved {
                obhut_app::reports::approve(casework, &report, olga, None, false).await?;
            }
        }
        if let Some(words) = decided.appeal {
            casework::file_appeal(casework, case, words, "demo").await?;
        }
        Ok(())
    }
}

/// The landscape of a number, as it is listed.
fn scene(number: u32) -> Landscape {
    Landscape::new(number, 400, 300)
}

/// The hash list: PDQ of the landscapes, MD5 of the animation.
fn list() -> String {
    let kind = kinds::by_name("pdq").expect("a known kind");
    let mut csv = "kind,digest,category_scale,category,entry_id\n".to_owned();
    for number in 0..LISTED {
        let scene = scene(number);
        let (width, height) = scene.size();
        let pixels = Pixels::new(width, height, scene.rgb()).expect("a picture");
        let hashed = kind.of_pixels(pixels).expect("PDQ reads pixels");
        csv += &format!(
            "pdq,{},demo,landscape,scene-{number:02}\n",
            hashed.digest.to_hex()
        );
    }
    let kind = kinds::by_name("md5").expect("a known kind");
    let digest = kind.of_bytes(&Landscape::gif(ANIMATION, 180, 120, 24));
    let digest = digest.expect("MD5 reads bytes").to_hex();
    csv + &format!("md5,{digest},demo,landscape,animation-{ANIMATION}\n")
}
