//! A data folder whose destination is a fake CyberTipline, and reports ready to be filed with it.

#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use obhut_app::casework;
use obhut_app::casework::*;
use obhut_app::partners::filing::{self, DrainScope, DrainStats, RetryPolicy};
use obhut_app::partners::http::Http;
use obhut_fakes::cybertip::{CyberTip, FaultInjection, Login};

pub struct Bench {
    pub casework: Arc<Casework>,
    pub folder: tempfile::TempDir,
    pub service: CyberTip,
    pub address: SocketAddr,
    pub rita: Person,
    pub olga: Person,
    pub http: Arc<Http>,
}

pub fn retry() -> RetryPolicy {
    // Pauses of a millisecond, so that no test waits long for a retry.
    RetryPolicy {
        tries: 6,
        pause: Duration::from_millis(1),
        first: Duration::from_millis(1),
        ..RetryPolicy::default()
    }
}

/// A fake CyberTipline, and where it listens; it ends with the test's runtime.
pub async fn service(faults: FaultInjection) -> (CyberTip, SocketAddr) {
    let login = Login {
        user: "test".into(),
        password: "test".into(),
    };
    let service = CyberTip::new(login, faults, Arc::new(|| SystemClock.now_micros()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = service.router();
    tokio::spawn(async move {
        obhut_server::serve(
            listener,
            router,
            obhut_server::CONNECTIONS_MAX,
            std::future::pending(),
        )
        .await
    });
    (service, address)
}

impl Bench {
    pub async fn new(faults: FaultInjection) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let casework = Arc::new(
            obhut_app::open(DataFolder::new(folder.path()), None, Arc::new(SystemClock))
                .await
                .unwrap(),
        );
        let (service, address) = service(faults).await;
        let rita = casework::add_person(&casework, "Rita", &[Role::Reviewer], "test")
            .await
            .unwrap();
        // The third person that real reports need, so that no alarm asks for one.
        casework::add_person(&casework, "Rudi", &[Role::Appeals], "test")
            .await
            .unwrap();
        let roles = [Role::Reviewer, Role::ReportingOfficer, Role::Administrator];
        let olga = casework::add_person(&casework, "Olga", &roles, "test")
            .await
            .unwrap();
        let reporter = Reporter {
            service: "Example".into(),
            email: "trust@example.com".into(),
            ..Reporter::default()
        };
        casework::set_reporter(&casework, &reporter, "test")
            .await
            .unwrap();
        let bench = Self {
            casework,
            folder,
            service,
            address,
            rita,
            olga,
            http: Arc::new(Http::default()),
        };
        bench.channel("test").await;
        bench
    }

    pub async fn channel(&self, password: &str) {
        self.channel_to(self.address, password, true).await;
    }

    pub async fn channel_to(&self, address: SocketAddr, password: &str, production: bool) {
        let channel = Channel {
            destination: "ncmec".into(),
            url: Some(format!("http://{address}/ispws")),
            user: Some("test".into()),
            secret: Some(Sealed::new(password.into())),
            // A report filed with the destination's test service ends no deadline.
            production,
            officer: Some(self.olga.id.clone()),
            ..Channel::default()
        };
        casework::set_channel(&self.casework, &channel, &self.olga)
            .await
            .unwrap();
    }

    /// Records what the packages for the Bundeskriminalamt and the National Crime Agency need from
    /// a person.
    pub async fn determined(&self, case: &str) {
        let mut reporter = casework::reporter(&self.casework).await.unwrap();
        reporter.nca_duty = Some(NcaDuty::UkProvider);
        reporter.nca_unreported = "counsel, 2026-01-01".into();
        casework::set_reporter(&self.casework, &reporter, "test")
            .await
            .unwrap();
        for (question, answer) in [(Question::ThreatDe, "no"), (Question::OffenceDe, "184b")] {
            casework::determine(
                &self.casework,
                case,
                &self.olga,
                question,
                &[answer.into()],
                "g",
            )
            .await
            .unwrap();
        }
    }

    pub async fn approve(&self, report: &str, because: Option<&str>) -> Result<Approval> {
        obhut_app::reports::approve(&self.casework, report, &self.olga, because, false).await
    }

    /// Makes a case about an account, decides it, and approves its report. Returns the report's id.
    pub async fn approved(
        &self,
        account: &str,
        content: Option<&[u8]>,
        destination: &str,
    ) -> String {
        let report = self.filed(account, content, destination).await;
        if matches!(destination, "package-bka" | "package-nca") {
            let row = casework::report_row(&self.casework, &report).await.unwrap();
            self.determined(&row.case).await;
        }
        self.approve(&report, None).await.unwrap();
        report
    }

    /// Like [`Bench::approved`], but not approved yet.
    pub async fn filed(&self, account: &str, content: Option<&[u8]>, destination: &str) -> String {
        let mut text = format!(
            r#"{{"facts": {{"reported": {{"id": "{account}"}}, "detected_by": "person", "occurred_at": "2026-01-01T00:00:00Z",
            "jurisdiction": {{"user_country": "DE"}},
            "places": [{{"place": "web-page", "urls": ["https://example.com/p"]}}]}}, "files": [FILES]}}"#
        );
        let files = content.map_or("", |_| r#"{"name": "a \"b\".png", "facts": {"annotations": ["viral"], "media_type": "image/png"}}"#);
        text = text.replace("FILES", files);
        let file = CaseFile::from_json(text.as_bytes()).unwrap();
        let contents = content.map(|c| Some(c.to_vec())).into_iter().collect();
        let new = casework::new_case(&self.casework, &file, contents, "test")
            .await
            .unwrap();
        let case = new.case;
        for exhibit in new.exhibits.iter().flatten() {
            // The decider has viewed the file, so the category applies to it.
            casework::view(
                &self.casework,
                exhibit,
                &self.rita,
                "decision",
                Extent::Whole,
            )
            .await
            .unwrap();
        }
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "as assessed".into(),
            category: Some(Category {
                scale: "ncmec-industry".into(),
                value: "A2".into(),
            }),
        };
        let decision = casework::decide(&self.casework, &case, &self.rita, &request)
            .await
            .unwrap();
        casework::file_report(&self.casework, &decision, destination, false, "test")
            .await
            .unwrap()
    }

    /// Where the fake service is.
    pub fn at(&self) -> FilingAddress {
        FilingAddress {
            host: format!("http://{}", self.address),
            test: false,
        }
    }

    pub async fn drain(&self) -> DrainStats {
        self.drain_as("worker").await
    }

    pub async fn drain_as(&self, worker: &str) -> DrainStats {
        let draining = DrainScope {
            worker,
            report: None,
            now: true,
            platform: false,
        };
        filing::drain(&self.casework, &self.http, &retry(), draining)
            .await
            .unwrap()
    }

    pub async fn state(&self, report: &str) -> Filing {
        casework::filing(&self.casework, report)
            .await
            .unwrap()
            .unwrap()
    }
}
