//! A browser without scripts: keeps its session, reads pages, sends their forms.

use axum::http::{Request, StatusCode, header};

use super::*;
use crate::bench::http::Bench;

/// A person's browser.
pub struct Browser<'a> {
    pub bench: &'a Bench,
    pub cookie: String,
    pub language: &'static str,
}

/// What a page answered.
pub struct Answered {
    pub status: StatusCode,
    pub to: Option<String>,
    /// The cookie that it sets.
    pub cookie: Option<String>,
    pub body: String,
}

impl<'a> Browser<'a> {
    /// Signs in with a key.
    pub async fn signed_in(bench: &'a Bench, key: &str) -> Self {
        let mut browser = Self {
            bench,
            cookie: String::new(),
            language: "en",
        };
        let request = Request::post("/sign-in")
            .header(header::HOST, "localhost")
            .body(Body::from(format!("key={key}")))
            .unwrap();
        let (status, headers, _) = bench.send(request).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let cookie = headers[header::SET_COOKIE].to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    /// A reviewer with a key that shows what matched.
    pub async fn of(bench: &'a Bench, name: &str, role: Role) -> (Self, Person) {
        let person = bench.person(name, role).await;
        let rights = [Right::Cases, Right::Decide, Right::Findings];
        let key = bench.key(&rights, Some(&person)).await;
        (Self::signed_in(bench, &key).await, person)
    }

    pub async fn get(&self, path: &str) -> Answered {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Sends a form as it is.
    pub async fn post(&self, path: &str, body: String) -> Answered {
        let request = Request::post(path).body(Body::from(body)).unwrap();
        self.send(request).await
    }

    /// Sends a form of a page with these fields, and its hidden ones.
    pub async fn fill(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answered {
        let start = page
            .find(&format!("action=\"{action}\""))
            .unwrap_or_else(|| panic!("no form for {action} in {page}"));
        let form = &page[start..start + page[start..].find("</form>").unwrap()];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for hidden in form.split("type=\"hidden\"").skip(1) {
            let value_of = |name: &str| {
                let text = hidden.split(&format!("{name}=\"")).nth(1)?;
                let text = text.split('"').next().unwrap();
                let plain = text.replace("&lt;", "<").replace("&gt;", ">");
                Some(plain.replace("&quot;", "\"").replace("&amp;", "&"))
            };
            body.append_pair(&value_of("name").unwrap(), &value_of("value").unwrap());
        }
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        self.post(action, body.finish()).await
    }

    async fn send(&self, mut request: Request<Body>) -> Answered {
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, self.cookie.parse().unwrap());
        headers.insert(header::ACCEPT, "text/html,*/*;q=0.8".parse().unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, self.language.parse().unwrap());
        let response = tower::ServiceExt::oneshot(self.bench.app.clone(), request).await;
        let (parts, body) = response.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let to = parts.headers.get(header::LOCATION);
        let cookie = parts.headers.get(header::SET_COOKIE);
        let cookie = cookie.map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned());
        Answered {
            status: parts.status,
            cookie,
            to: to.map(|to| to.to_str().unwrap().to_owned()),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
