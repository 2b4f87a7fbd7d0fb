//! `eureka demo --script`: a written day played on the service by the demo's cast, on a clock that the script sets, in a
//! directory that is thrown away. Prints what each person did and saw.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, anyhow};
use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::access::Caller;
use eureka_domain::ids::{ReviewId, TipId, TipRef};
use eureka_domain::outcome::{OutcomeDraft, OutcomeResult};
use eureka_domain::review::{Reason, Verdict};
use eureka_domain::tip::{Safety, TipText};
use eureka_domain::user::SiteRole;
use eureka_service::{
    DecisionDraft, IfMatch, NewTip, NewUser, NotificationView, Once, PageRequest, ProofView, QueueQuery, Reply,
    ReviewDetail, SearchQuery, Service, TipChanges, TipView, Written,
};
use serde::Deserialize;

use super::{CAST, PASSWORD, enrol_cast, found_communities, load_tips};
use crate::clock::ScriptedClock;
use crate::config::Settings;
use crate::start;

const DAY: &str = include_str!("../../../../fixtures/day.json");
const COMMUNITY: &str = "office-printers";
/// Nobody has written it down yet when the day begins.
const FAULT: &str = "3396";
/// The most that a person looks at.
const PAGE: PageRequest = PageRequest { cursor: None, limit: 50 };

/// A script: who plays beside the cast, and what happens.
#[derive(Deserialize)]
struct Day {
    crew: Vec<Member>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Member {
    login: String,
    name: String,
}

#[derive(Deserialize)]
struct Step {
    at: Instant,
    who: String,
    #[serde(flatten)]
    act: Act,
}

#[derive(Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
enum Act {
    Submit { tip: Box<TipText> },
    Edit { changes: Changes },
    Resubmit,
    Claim,
    Decide { verdict: Verdict, reason: Option<Reason>, comment: Option<String> },
    UseIt { results: Vec<OutcomeResult>, hours_apart: i64 },
    LookAtQueue,
    ReadNotifications,
    ReadTip,
    Search { q: String },
}

#[derive(Deserialize)]
struct Changes {
    cause: Option<String>,
    solution: Option<String>,
    safety: Option<Safety>,
    hazard: Option<String>,
}

/// Plays the day, and ends.
pub(super) fn play(settings: &Settings) -> anyhow::Result<ExitCode> {
    let day: Day = serde_json::from_str(DAY).context("fixtures/day.json")?;
    let begin = day.steps.first().context("fixtures/day.json has no steps")?.at;
    let folder = tempfile::tempdir().context("no directory to throw away")?;
    let data = Some(folder.path().to_owned());
    let settings = Settings { data, database_url: None, keys: None, ..settings.clone() };
    let clock = Arc::new(ScriptedClock::new(begin));
    let mut started = start::start_at(&settings, clock.clone())?;
    let communities = found_communities(&started.service)?;
    enrol_cast(&started.service, &communities)?;
    load_tips(&started.service, |tip| !tip.fault_codes.iter().any(|code| code == FAULT))?;
    started.service.indexer().catch_up()?;
    started.follow()?;
    let played = Stage::new(&started.service, clock, &day.crew).and_then(|mut stage| stage.play(&day.steps));
    started.stop();
    played.map(|()| ExitCode::SUCCESS)
}

/// Where the day is played: everybody by login name, and the tip that it is about.
struct Stage<'a> {
    service: &'a Service,
    clock: Arc<ScriptedClock>,
    names: HashMap<&'a str, &'a str>,
    crew: Vec<&'a str>,
    tip: Option<TipId>,
    review: Option<ReviewId>,
    /// The day of the last line.
    date: String,
}

impl<'a> Stage<'a> {
    fn new(service: &'a Service, clock: Arc<ScriptedClock>, crew: &'a [Member]) -> anyhow::Result<Self> {
        for Member { login, name } in crew {
            service.add_user(NewUser {
                email: super::address(login),
                name: name.clone(),
                password: PASSWORD.to_owned(),
                site_role: SiteRole::Member,
            })?;
        }
        let crew = crew.iter().map(|member| (member.login.as_str(), member.name.as_str()));
        let names = CAST.iter().map(|part| (part.login, part.name)).chain(crew.clone()).collect();
        let crew = crew.map(|(login, _)| login).collect();
        Ok(Self { service, clock, names, crew, tip: None, review: None, date: String::new() })
    }

    fn play(&mut self, steps: &[Step]) -> anyhow::Result<()> {
        for step in steps {
            self.clock.set(step.at);
            self.act(&step.who, &step.act).with_context(|| format!("{} {}", step.at, step.who))?;
        }
        Ok(())
    }

    fn act(&mut self, who: &str, act: &Act) -> anyhow::Result<()> {
        match act {
            Act::Submit { tip } => self.submit(who, tip),
            Act::Edit { changes } => self.edit(who, changes),
            Act::Resubmit => self.resubmit(who),
            Act::Claim => self.claim(who),
            Act::Decide { verdict, reason, comment } => self.decide(who, *verdict, *reason, comment.clone()),
            Act::UseIt { results, hours_apart } => self.use_it(who, results, Duration::hours(*hours_apart)),
            Act::LookAtQueue => self.look_at_queue(who),
            Act::ReadNotifications => self.read_notifications(who),
            Act::ReadTip => self.read_tip(who),
            Act::Search { q } => self.search(who, q),
        }
    }

    fn submit(&mut self, who: &str, text: &TipText) -> anyhow::Result<()> {
        self.says(who, &format!("submits \"{}\"", text.title));
        let new = NewTip { community: COMMUNITY.to_owned(), text: text.clone(), submit: true, gap: None };
        let (once, made) = once();
        self.service.create_tip(&self.caller(who)?, new, once)?;
        let seen: TipView = taken(&made)?;
        self.tip = Some(seen.tip.id);
        self.went_to_reviewers(&seen);
        Ok(())
    }

    fn edit(&mut self, who: &str, changes: &Changes) -> anyhow::Result<()> {
        self.says(who, "edits it");
        let changes = TipChanges {
            cause: changes.cause.clone().map(Some),
            solution: changes.solution.clone().map(Some),
            safety: changes.safety,
            hazard: changes.hazard.clone().map(Some),
            ..TipChanges::default()
        };
        let seen = self.service.edit_tip(&self.caller(who)?, self.tip()?, changes, IfMatch::Any)?.value;
        shows(&state(&seen));
        Ok(())
    }

    fn resubmit(&mut self, who: &str) -> anyhow::Result<()> {
        self.says(who, "sends it to reviewers");
        let seen = self.service.submit_tip(&self.caller(who)?, self.tip()?, IfMatch::Any)?.value;
        self.went_to_reviewers(&seen);
        Ok(())
    }

    fn went_to_reviewers(&mut self, seen: &TipView) {
        shows(&state(seen));
        if let Some(review) = &seen.review {
            self.review = Some(review.id);
            let day = |at: Instant| at.format("%A %-d %B").to_string();
            let (respond_by, decide_by) = (day(review.due.respond_by), day(review.due.decide_by));
            shows(&format!("to be taken up by {respond_by}, and decided by {decide_by}"));
        }
    }

    fn claim(&mut self, who: &str) -> anyhow::Result<()> {
        self.says(who, "takes it up");
        let detail = self.service.claim_review(&self.caller(who)?, self.review()?)?.value;
        shows(&review(&detail));
        let desk = self.service.read_review(&self.caller(who)?, self.review()?)?;
        for change in &desk.changes {
            shows(&format!("changes its {}", change.field));
        }
        for check in desk.checklist.iter().filter(|check| !check.holds) {
            shows(&format!("to look at: {} {}", check.item, check.found.join(", ")));
        }
        Ok(())
    }

    fn decide(
        &mut self,
        who: &str,
        verdict: Verdict,
        reason: Option<Reason>,
        comment: Option<String>,
    ) -> anyhow::Result<()> {
        let why = reason.map_or(String::new(), |reason| format!(" ({reason})"));
        let words = comment.as_ref().map_or(String::new(), |comment| format!(": \"{comment}\""));
        self.says(who, &format!("decides {verdict}{why}{words}"));
        let caller = self.caller(who)?;
        let revision = self.service.read_review(&caller, self.review()?)?.detail.revision.number;
        let draft = DecisionDraft { verdict, reason, comment, into: None, edits: None, revision };
        let (once, made) = once();
        self.service.decide_review(&caller, self.review()?, draft, once)?;
        shows(&review(&taken(&made)?));
        Ok(())
    }

    /// One of the crew after the other uses the tip, and tells what it did.
    fn use_it(&mut self, who: &str, results: &[OutcomeResult], apart: Duration) -> anyhow::Result<()> {
        self.says(who, &format!("use it {} times", results.len()));
        let crew = self.crew.clone();
        for (member, result) in crew.iter().cycle().zip(results) {
            let draft = OutcomeDraft {
                result: *result,
                minutes_spent: None,
                minutes_saved: None,
                product: None,
                work_order: None,
                happened_at: None,
                note: None,
                client_id: None,
            };
            let caller = self.caller(member)?;
            let (once, _) = once();
            self.service.record_outcome(&caller, self.tip()?, draft, once)?;
            self.says(member, &format!("tells {result}"));
            let seen = self.service.read_tip(&caller, self.tip()?)?;
            shows(&seen.proof.as_ref().map_or("nothing known of its use".to_owned(), proof));
            self.clock.advance(apart);
        }
        Ok(())
    }

    fn look_at_queue(&mut self, who: &str) -> anyhow::Result<()> {
        self.says(who, "looks at the queue");
        let (queue, _) = self.service.list_reviews(&self.caller(who)?, QueueQuery::default(), &PAGE)?;
        for detail in &queue.items {
            shows(&review(detail));
        }
        if queue.items.is_empty() {
            shows("nothing waits");
        }
        Ok(())
    }

    fn read_notifications(&mut self, who: &str) -> anyhow::Result<()> {
        self.says(who, "reads what there is to know");
        let caller = self.caller(who)?;
        let told = self.service.list_notifications(&caller, true, &PAGE)?.items;
        for notification in told.iter().rev() {
            shows(&notice(notification));
            self.service.read_notification(&caller, notification.entry.change.seq)?;
        }
        if told.is_empty() {
            shows("nothing new");
        }
        Ok(())
    }

    fn read_tip(&mut self, who: &str) -> anyhow::Result<()> {
        self.says(who, "reads the tip");
        let seen = self.service.read_tip(&self.caller(who)?, self.tip()?)?;
        shows(&state(&seen));
        let text = &seen.shown.text;
        for (name, said) in [("hazard", &text.hazard), ("cause", &text.cause), ("solution", &text.solution)] {
            if let Some(said) = said {
                shows(&format!("{name}: {said}"));
            }
        }
        seen.proof.iter().for_each(|known| shows(&proof(known)));
        Ok(())
    }

    fn search(&mut self, who: &str, q: &str) -> anyhow::Result<()> {
        self.says(who, &format!("searches \"{q}\""));
        let head = self.service.store().read(eureka_store::log::head)?.seq;
        let query = SearchQuery { q: q.to_owned(), limit: 3, min_position: Some(head), ..SearchQuery::default() };
        let ready = self.service.ready_search(&self.caller(who)?, query)?;
        let now = self.service.now();
        let found = actix_web::rt::System::new().block_on(self.service.search_tips(ready, |found| found))?;
        for (place, hit) in (1..).zip(&found.hits) {
            let known = hit.tip.proof.as_ref().map(|tally| format!("; {}", proof(&ProofView::of(tally, now))));
            let missing = if hit.missing.is_empty() { "" } else { "; not about all of it" };
            let author = &hit.tip.author_name;
            let known = known.unwrap_or_default();
            shows(&format!("{place}. {} \"{}\" by {author}{missing}{known}", hit.tip.number, hit.tip.title));
        }
        if found.hits.is_empty() {
            shows("nothing");
        }
        Ok(())
    }

    /// Somebody, logged in at this moment.
    fn caller(&self, login: &str) -> anyhow::Result<Caller> {
        let tokens = self.service.login(&super::address(login), PASSWORD, "the script")?;
        Ok(self.service.authenticate(&tokens.access_token)?)
    }

    fn tip(&self) -> anyhow::Result<TipRef> {
        self.tip.map(TipRef::Id).context("there is no tip yet")
    }

    fn review(&self) -> anyhow::Result<ReviewId> {
        self.review.context("there is no review yet")
    }

    /// A line of what somebody does, under the day that it is.
    fn says(&mut self, login: &str, does: &str) {
        let now = self.service.now();
        let date = now.format("%A %-d %B %Y").to_string();
        if date != self.date {
            println!("\n{date}\n");
            self.date = date;
        }
        let name = self.names.get(login).copied().unwrap_or(login);
        println!("{}  {name} {does}", now.format("%H:%M"));
    }
}

/// A line of what they see of it.
fn shows(line: &str) {
    println!("         {line}");
}

fn state(seen: &TipView) -> String {
    let TipView { tip, shown, pending, .. } = seen;
    let pending = pending.as_ref().map(|text| format!("; revision {} is {}", text.number, text.state));
    let pending = pending.unwrap_or_default();
    format!("{} \"{}\": revision {} is {}{pending}", tip.number, shown.text.title, shown.number, shown.state)
}

fn review(detail: &ReviewDetail) -> String {
    let ReviewDetail { review, tip, author, revision, quorum, .. } = detail;
    let approvals = format!("{} of {} approvals", review.approvals(), quorum.approvals);
    let steward = if quorum.steward { ", one a steward's" } else { "" };
    let number = revision.number;
    format!("{} by {}: revision {number} is {}, {approvals}{steward}", tip.number, author.name, revision.state)
}

fn notice(told: &NotificationView) -> String {
    let entry = &told.entry;
    let tip = told.tip.as_ref().map_or(String::new(), |tip| format!(" {}", tip.number));
    let by = entry.actor.as_ref().map_or(String::new(), |actor| format!(" by {}", actor.name));
    let code = entry.facts.reason_code.as_ref().map_or(String::new(), |code| format!(" ({code})"));
    let why = entry.facts.reason.as_ref().map_or(String::new(), |reason| format!(": \"{reason}\""));
    format!("{}{tip}{by}{code}{why}", entry.change.kind)
}

fn proof(known: &ProofView) -> String {
    let uses = known.fixed + known.partly + known.not_fixed;
    let (lower, upper) = (known.lower / 10, known.upper / 10);
    format!("fixed it {} of {uses}, last {}; {lower} to {upper} % likely", known.fixed, known.last.format("%-d %B"))
}

type Made<T> = Arc<OnceLock<T>>;

/// A request without a key, and where what it makes will be.
fn once<T: Clone + Send + Sync + 'static>() -> (Once<T>, Made<T>) {
    let made = Made::default();
    let keep = Arc::clone(&made);
    let render = move |written: &Written<T>| {
        let _ = keep.set(written.value.clone());
        Reply { status: 201, headers: Vec::new(), body: Vec::new() }
    };
    (Once { key: None, render: Box::new(render) }, made)
}

fn taken<T: Clone>(made: &Made<T>) -> anyhow::Result<T> {
    made.get().cloned().ok_or_else(|| anyhow!("nothing was made"))
}
