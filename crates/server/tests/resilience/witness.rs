//! Clients that submit, edit, approve, search, read and use, sometimes try what they may not, ask again until they are
//! answered, and write down what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::asking::{Asking, Heard, Person, Request};
use crate::judge::{Change, Kept, faults};
use crate::log::{self, Again, Event, Part, Seen, Step};
use crate::process::Server;

/// How long an index may take to come to where the database is.
const STANDSTILL: Duration = Duration::from_secs(20);

/// Where the service can be asked, who asks, and what came of it.
pub(crate) struct Witnesses {
    bases: Mutex<Vec<String>>,
    author: Person,
    reviewer: Person,
    reader: Person,
    forgets_keys: bool,
    /// How the titles of their tips begin.
    name: &'static str,
    stop: AtomicBool,
    /// How many tips were begun; each has a title of its own.
    turns: AtomicUsize,
    log: Mutex<Vec<Event>>,
}

impl Witnesses {
    /// Logs in the demo's cast.
    pub(crate) fn of(server: &Server) -> Self {
        Self::called("Witness", server)
    }

    /// The same under a name of their own, so that others' are not taken for theirs.
    pub(crate) fn called(name: &'static str, server: &Server) -> Self {
        Self {
            bases: Mutex::new(vec![server.base.clone()]),
            author: Person::logged_in(server, "technician"),
            reviewer: Person::logged_in(server, "reviewer"),
            reader: Person::logged_in(server, "outsider"),
            forgets_keys: false,
            name,
            stop: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            log: Mutex::default(),
        }
    }

    /// The same of clients that forget under which key they asked: what they ask for again is another request.
    pub(crate) fn forgetful(server: &Server) -> Self {
        Self { forgets_keys: true, ..Self::of(server) }
    }

    /// Says where the service is from now on; a client asks the next one when one does not answer.
    pub(crate) fn are_at(&self, bases: Vec<String>) {
        *self.bases.lock() = bases;
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What clients had to ask for again.
    pub(crate) fn asked_again(&self) -> Vec<Again> {
        log::asked_again(&self.log.lock())
    }

    /// How many writes were answered by what an earlier request had been answered, which nobody had heard.
    pub(crate) fn replays(&self) -> usize {
        self.asked_again().iter().filter(|again| again.replayed).count()
    }

    /// How many answers clients were given.
    pub(crate) fn answers(&self) -> usize {
        self.log.lock().iter().filter(|event| is_answer(event)).count()
    }

    /// How many steps that are not to be taken were refused.
    pub(crate) fn turned_away(&self) -> usize {
        let is_refusal = |event: &&Event| matches!((event.step, &event.part), (Step::Trespass { .. }, Part::Fail(_)));
        self.log.lock().iter().filter(is_refusal).count()
    }

    /// One client, until it is told to stop.
    pub(crate) fn work(&self, client: usize) {
        while !self.stop.load(Ordering::Relaxed) {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            let tip = Tip { all: self, client, title: format!("{} c{client} t{turn}", self.name), position: 0 };
            if turn.is_multiple_of(2) {
                tip.edited_under_review()
            } else {
                tip.edited_when_published()
            };
        }
    }

    /// Four clients at work for as long as something else takes.
    pub(crate) fn working<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.working_with(4, meanwhile)
    }

    /// So many clients at work for as long as something else takes.
    pub(crate) fn working_with<T>(&self, clients: usize, meanwhile: impl FnOnce() -> T) -> T {
        self.stop.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || self.work(client));
            }
            let _stop = Stop(self);
            meanwhile()
        })
    }

    /// What is wrong with what was kept, as the service tells now.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults_of_first(self.answers())
    }

    /// The same of the first answers alone: for a copy that was made when there were so many.
    pub(crate) fn faults_of_first(&self, answers: usize) -> Vec<String> {
        let kept = self.kept();
        let log = self.log.lock().clone();
        let places = log.iter().enumerate().filter(|(_, event)| is_answer(event)).map(|(place, _)| place);
        let end = places.take(answers).last().expect("somebody was told something");
        let (told, later) = log.split_at(end + 1);
        // Nothing was lost, if the index reaches the last place that anybody was told.
        faults(told, later, &kept, self.reached(told.iter().map(position).max().unwrap_or_default()))
    }

    /// What was kept of each tip, as its author is shown.
    fn kept(&self) -> BTreeMap<String, Kept> {
        let mut kept: BTreeMap<String, Kept> = BTreeMap::new();
        let mut path = "/v1/tips?community=office-printers&limit=100".to_owned();
        loop {
            let page = self.told(&path);
            for tip in page["items"].as_array().unwrap() {
                let title = tip["title"].as_str().unwrap();
                if title.starts_with(&format!("{} ", self.name)) {
                    self.keep(tip["id"].as_str().unwrap(), kept.entry(title.to_owned()).or_default());
                }
            }
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/tips?community=office-printers&limit=100&cursor={cursor}");
        }
        kept
    }

    /// Adds a tip to what was kept.
    fn keep(&self, id: &str, kept: &mut Kept) {
        let items =
            |of: &str| self.told(&format!("/v1/tips/{id}/{of}"))["items"].as_array().cloned().unwrap_or_default();
        kept.tips += 1;
        kept.changes.extend(items("history").iter().map(|change| Change {
            kind: word(&change["kind"]),
            revision: number(&change["revision"]),
            to: word(&change["to"]),
        }));
        kept.texts.extend(items("revisions").iter().filter_map(seen).map(|seen| (seen.revision, seen.version)));
        kept.uses += items("outcomes").len();
    }

    /// What the author is told, of what is not judged.
    fn told(&self, path: &str) -> Value {
        self.asking(0).until_answered(&self.author, &Request::get(path), |_| None, drop).body
    }

    fn asking(&self, first: usize) -> Asking<'_> {
        Asking { bases: &self.bases, first, forgets_keys: self.forgets_keys }
    }

    /// Where the index stands once it has come to a place; or where it stays, in a copy that never comes there.
    fn reached(&self, place: i64) -> i64 {
        let begun = Instant::now();
        loop {
            let position = self.told("/v1/search?q=witness")["position"].as_i64().unwrap_or_default();
            if position >= place || begun.elapsed() > STANDSTILL {
                return position;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn is_answer(event: &Event) -> bool {
    matches!(event.part, Part::Ok { .. })
}

fn position(event: &Event) -> i64 {
    if let Part::Ok { position, .. } = event.part { position } else { 0 }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> i32 {
    value.as_i64().and_then(|number| number.try_into().ok()).unwrap_or_default()
}

/// A text that says which version it is.
fn text(version: i32) -> String {
    format!("Version {version} of it. It stops.")
}

/// What a tip, a hit or a revision shows.
fn seen(shown: &Value) -> Option<Seen> {
    let text = shown["problem"].as_str().or_else(|| shown["excerpt"].as_str())?;
    let version = text.strip_prefix("Version ")?.split(' ').next()?.parse().ok()?;
    Some(Seen { revision: number(&shown["revision"]), version })
}

/// The newest text of a tip, as its author is shown it.
fn newest(tip: &Value) -> Option<Seen> {
    seen(if tip["pending"].is_object() { &tip["pending"] } else { tip })
}

/// Ends the clients' work, also when the trial has failed.
struct Stop<'w>(&'w Witnesses);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// One tip in a client's hands. A step that was not taken ends the work on it: the judge knows why.
struct Tip<'w> {
    all: &'w Witnesses,
    client: usize,
    title: String,
    /// The last place that the client was told.
    position: i64,
}

impl Tip<'_> {
    /// Submitted, edited before anybody has decided, approved, found and used.
    fn edited_under_review(mut self) -> Option<()> {
        let (id, first) = self.submit()?;
        let review = self.edit(&id, 2, 2)?;
        self.trespass(&first, 1);
        self.approve(&review, 2)?;
        self.find();
        self.trespass(&review, 2);
        self.use_it(&id)
    }

    /// Submitted, approved and found, then edited twice in a draft that readers do not see until it is approved.
    fn edited_when_published(mut self) -> Option<()> {
        let (id, first) = self.submit()?;
        self.find();
        self.approve(&first, 1)?;
        self.find();
        self.edit(&id, 2, 2)?;
        self.trespass(&first, 2);
        self.edit(&id, 3, 2)?;
        self.find();
        let review = self.send(&id, 2)?;
        self.approve(&review, 2)?;
        self.find();
        self.use_it(&id)
    }

    /// Takes a step; what was answered, unless it was refused. Readings are asked of the next place, writes of one's own.
    fn step(&mut self, step: Step, who: &Person, request: &Request) -> Heard {
        let is_reading = matches!(step, Step::Find { .. } | Step::Look);
        let asking = self.all.asking(self.client + usize::from(is_reading));
        let see = |body: &Value| match step {
            Step::Look => newest(body),
            Step::Find { .. } => {
                let tips = body["items"].as_array()?.iter().map(|hit| &hit["tip"]);
                tips.filter(|tip| tip["title"] == *self.title).find_map(seen)
            }
            _ => None,
        };
        let tell = |part: Part| {
            self.all.log.lock().push(Event { client: self.client, title: self.title.clone(), step, part });
        };
        let heard = asking.until_answered(who, request, see, tell);
        if heard.is_ok() && !is_reading {
            self.position = heard.position;
        }
        heard
    }

    /// The id of the tip, and of its review.
    fn submit(&mut self) -> Option<(String, String)> {
        let tip = json!({"community": "office-printers", "title": self.title, "problem": text(1), "submit": true});
        let request = Request::post("/v1/tips", format!("submit {}", self.title), tip);
        let heard = self.step(Step::Submit, &self.all.author, &request);
        heard.is_ok().then(|| (word(&heard.body["id"]), word(&heard.body["review"]["id"])))
    }

    /// Has another text of it, of the state that it is in; the review that this is in, if any.
    fn edit(&mut self, id: &str, version: i32, revision: i32) -> Option<String> {
        let change = |etag: String| Request {
            method: "PATCH",
            path: format!("/v1/tips/{id}"),
            body: Some(json!({"problem": text(version)})),
            etag,
            ..Request::default()
        };
        let is_done = |tip: &Value| newest(tip).is_some_and(|seen| seen.version >= version);
        let heard = self.change(id, Step::Edit { version, revision }, change, is_done)?;
        Some(word(&heard["review"]["id"]))
    }

    /// Has the draft reviewed; the review.
    fn send(&mut self, id: &str, revision: i32) -> Option<String> {
        let change =
            |etag: String| Request { etag, ..Request::post(format!("/v1/tips/{id}/submit"), String::new(), json!({})) };
        let heard = self.change(id, Step::Send { revision }, change, |tip| tip["review"].is_object())?;
        Some(word(&heard["review"]["id"]))
    }

    /// Changes a tip from the state that it is looked at in. Where nobody knows whether that was done, another look tells.
    fn change(
        &mut self,
        id: &str,
        step: Step,
        request: impl Fn(String) -> Request,
        is_done: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        loop {
            let tip = self.step(Step::Look, &self.all.author, &Request::get(format!("/v1/tips/{id}")));
            if !tip.is_ok() || is_done(&tip.body) {
                return tip.is_ok().then_some(tip.body);
            }
            let heard = self.step(step, &self.all.author, &request(tip.etag));
            if heard.status != 412 {
                return heard.is_ok().then_some(heard.body);
            }
        }
    }

    fn approve(&mut self, review: &str, revision: i32) -> Option<()> {
        let request = self.approval("approve", review, revision);
        self.step(Step::Approve { revision }, &self.all.reviewer, &request).is_ok().then_some(())
    }

    /// Tries to approve what is superseded, a draft, or published.
    fn trespass(&mut self, review: &str, revision: i32) {
        let request = self.approval("approve against the rules", review, revision);
        self.step(Step::Trespass { revision }, &self.all.reviewer, &request);
    }

    fn approval(&self, what: &str, review: &str, revision: i32) -> Request {
        let key = format!("{what} {} {revision}", self.title);
        let decision = json!({"verdict": "approve", "revision": revision});
        Request::post(format!("/v1/reviews/{review}/decisions"), key, decision)
    }

    /// Searches for it once the index has come to the last place that the client was told.
    fn find(&mut self) {
        let (at, query) = (self.position, self.title.replace(' ', "+"));
        let request = Request::get(format!("/v1/search?q=%22{query}%22&min_position={at}"));
        self.step(Step::Find { at }, &self.all.reader, &request);
    }

    fn use_it(&mut self, id: &str) -> Option<()> {
        let (path, key) = (format!("/v1/tips/{id}/outcomes"), format!("use {}", self.title));
        let request = Request::post(path, key, json!({"result": "fixed"}));
        self.step(Step::Use, &self.all.reader, &request).is_ok().then_some(())
    }
}
