//! `eureka demo`: the whole product on loopback, with the project's own tips and a cast to log in as. What the cast plays
//! by a script is in `demo/script.rs`.

mod script;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use eureka_domain::community::{Charter, Community, Openness, ReviewPolicy, Role};
use eureka_domain::glossary::GlossaryEntry;
use eureka_domain::ids::UserId;
use eureka_domain::tip::TipText;
use eureka_domain::user::SiteRole;
use eureka_service::{NewUser, Service};
use eureka_store::{StoreError, communities, users};
use serde::Deserialize;

use crate::config::Settings;
use crate::{import, logging, serve, start};

/// Everyone's password. It is public: [`crate::serve`] refuses it on any but a loopback address.
const PASSWORD: &str = "eureka-demo-2026";

const COMMUNITIES: &str = include_str!("../../../fixtures/communities.json");
const PEOPLE: &str = include_str!("../../../fixtures/people.json");
const TIPS: [&str; 6] = [
    include_str!("../../../fixtures/tips/office-printers.jsonl"),
    include_str!("../../../fixtures/tips/building-systems.jsonl"),
    include_str!("../../../fixtures/tips/automotive.jsonl"),
    include_str!("../../../fixtures/tips/industrial-drives.jsonl"),
    include_str!("../../../fixtures/tips/network-gear.jsonl"),
    include_str!("../../../fixtures/tips/medical-devices.jsonl"),
];

/// What the demo is to do.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Instead of serving, play the project's written day in a directory that is thrown away, print what each person
    /// saw, and end
    #[arg(long)]
    script: bool,
}

/// One of the cast: login name before the `@`, name on tips, role in open and in private communities.
struct Part {
    login: &'static str,
    name: &'static str,
    open: Option<Role>,
    private: Option<Role>,
}

const CAST: [Part; 6] = [
    Part { login: "technician", name: "Tess Ferreira", open: Some(Role::Contributor), private: None },
    Part { login: "reviewer", name: "Ravi Okonkwo", open: Some(Role::Reviewer), private: Some(Role::Reviewer) },
    Part { login: "reviewer2", name: "Runa Lindqvist", open: Some(Role::Reviewer), private: Some(Role::Reviewer) },
    Part { login: "steward", name: "Stella Marchetti", open: Some(Role::Steward), private: Some(Role::Steward) },
    Part { login: "outsider", name: "Otto Brandt", open: None, private: None },
    Part { login: "admin", name: "Ada Novak", open: None, private: None },
];

#[derive(Deserialize)]
struct CommunityFixture {
    slug: String,
    name: String,
    description: String,
    visibility: Openness,
    glossary: Vec<GlossaryEntry>,
}

#[derive(Deserialize)]
struct PersonFixture {
    key: String,
    name: String,
}

/// Serves the demo, or plays its script.
pub(crate) fn demo(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let log = if settings.log == "info" { "warn".to_owned() } else { settings.log.clone() };
    let settings = Settings { log, ..settings.clone() };
    logging::start(&settings)?;
    if arguments.script { script::play(&settings) } else { serve_demo(settings) }
}

fn serve_demo(settings: Settings) -> anyhow::Result<ExitCode> {
    ensure!(
        settings.listen.ip().is_loopback(),
        "the demo's passwords are public: it listens on a loopback address only, not on {}",
        settings.listen
    );
    let data = settings.data.clone().unwrap_or_else(|| PathBuf::from("data/demo"));
    let settings = Settings { data: Some(data), ..settings };
    let started = start::start(&settings)?;
    refuse_others(&started.service)?;
    let found = found_communities(&started.service)?;
    let cast = enrol_cast(&started.service, &found)?;
    let tips = load_tips(&started.service, |_| true)?;
    started.service.indexer().catch_up()?;
    serve::run(&settings, started, move |address| announce(&address.to_string(), tips, &cast))
}

/// Whether the demo's accounts, with their public password, are in a database.
pub(crate) fn has_cast(service: &Service) -> anyhow::Result<bool> {
    for part in &CAST {
        if service.with_password(&address(part.login), PASSWORD)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a database that somebody uses for something else: it would have the cast, and their public password.
fn refuse_others(service: &Service) -> anyhow::Result<()> {
    let is_ours = service.store().read(|conn| {
        for part in &CAST {
            if users::find_email(conn, &address(part.login))?.is_some() {
                return Ok(true);
            }
        }
        Ok::<_, StoreError>(users::list(conn, None, 1)?.is_empty())
    })?;
    ensure!(is_ours, "this database has accounts, and none of them is the demo's: give the demo a database of its own");
    Ok(())
}

fn address(login: &str) -> String {
    format!("{login}@demo.example")
}

fn found_communities(service: &Service) -> anyhow::Result<Vec<Community>> {
    let fixtures: Vec<CommunityFixture> = serde_json::from_str(COMMUNITIES).context("fixtures/communities.json")?;
    let mut found = Vec::new();
    for fixture in fixtures {
        let known = service.store().read(|conn| communities::find_slug(conn, &fixture.slug))?;
        found.push(if let Some(community) = known {
            community
        } else {
            let charter = Charter {
                slug: fixture.slug,
                name: fixture.name,
                description: fixture.description,
                openness: fixture.visibility,
                policy: ReviewPolicy::default(),
            };
            let made = service.found_community(charter)?.value;
            service.set_glossary(made.id, fixture.glossary).context("fixtures/communities.json")?;
            made
        });
    }
    Ok(found)
}

/// Makes the cast's accounts and memberships where they are not there, and returns their login names and roles.
fn enrol_cast(service: &Service, found: &[Community]) -> anyhow::Result<Vec<(String, String)>> {
    let mut cast = Vec::new();
    for part in &CAST {
        let email = address(part.login);
        let known = service.store().read(|conn| users::find_email(conn, &email))?;
        if known.is_none() {
            let site_role = if part.login == "admin" { SiteRole::Admin } else { SiteRole::Member };
            let new =
                NewUser { email: email.clone(), name: part.name.to_owned(), password: PASSWORD.to_owned(), site_role };
            let user = service.add_user(new)?.value;
            enrol(service, found, part, user.id)?;
        }
        let role = |role: Option<Role>| role.map_or("none".to_owned(), |role| role.to_string());
        let place = match part.login {
            "admin" => "site admin".to_owned(),
            _ => format!("{} in open communities, {} in the private one", role(part.open), role(part.private)),
        };
        cast.push((email, place));
    }
    Ok(cast)
}

fn enrol(service: &Service, found: &[Community], part: &Part, user: UserId) -> anyhow::Result<()> {
    for community in found {
        let role = match community.openness {
            Openness::Open => part.open,
            Openness::Private => part.private,
        };
        if let Some(role) = role {
            service.enrol_member(community.id, user, role)?;
        }
    }
    Ok(())
}

/// Takes in those of the project's tips that are `wanted`.
fn load_tips(service: &Service, wanted: impl Fn(&TipText) -> bool) -> anyhow::Result<usize> {
    let people: Vec<PersonFixture> = serde_json::from_str(PEOPLE).context("fixtures/people.json")?;
    let names: HashMap<String, String> = people.into_iter().map(|p| (p.key, p.name)).collect();
    let mut lines = Vec::new();
    for (place, line) in TIPS.iter().flat_map(|file| file.lines()).enumerate() {
        let mut line = import::read_line(place + 1, line, "office-printers")
            .map_err(|refusal| anyhow::anyhow!("fixtures/tips: {refusal:?}"))?;
        if let Some(name) = names.get(&line.author) {
            line.author.clone_from(name);
        }
        if wanted(&line.text) {
            lines.push(line);
        }
    }
    let report = service.import_tips(lines)?;
    ensure!(report.refused.is_empty(), "fixtures/tips: {:?}", report.refused);
    Ok(report.imported + report.known)
}

/// Says who can log in, and how to submit, approve and find a tip.
fn announce(listen: &str, tips: usize, cast: &[(String, String)]) {
    println!("Eureka demo on http://{listen} with {tips} tips; the documentation is at http://{listen}/docs/\n");
    println!("Log in as (password {PASSWORD}):");
    for (email, place) in cast {
        println!("  {email:28} {place}");
    }
    println!("\nSubmit, approve and find a tip; paste the three lines into a shell:\n\n{}\n", story(listen));
    println!("Ctrl-C stops.");
}

/// The main job in three lines of shell.
fn story(listen: &str) -> String {
    let base = format!("http://{listen}/v1");
    let login = |who: &str| {
        format!(
            "$(curl -s {base}/auth/login -H 'Content-Type: application/json' \
             -d '{{\"email\":\"{who}@demo.example\",\"password\":\"{PASSWORD}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
        )
    };
    let json = "-H 'Content-Type: application/json'";
    let tip = "{\"community\":\"office-printers\",\"title\":\"Fuser squeals after a cold night\",\
               \"problem\":\"Error E-7731 and a squeal for the first ten pages.\",\
               \"solution\":\"Warm the fuser with five blank pages, then grease the left bush.\",\
               \"fault_codes\":[\"E-7731\"],\"submit\":true}";
    [
        format!(
            "REVIEW=$(curl -s {base}/tips -H \"Authorization: Bearer {}\" {json} -d '{tip}' \
             | sed 's/.*\"review\":{{\"id\":\"\\([^\"]*\\)\".*/\\1/'); echo \"submitted, review $REVIEW\"",
            login("technician"),
        ),
        format!(
            "curl -s {base}/reviews/$REVIEW/decisions -H \"Authorization: Bearer {}\" {json} \
             -d '{{\"verdict\":\"approve\",\"revision\":1}}'; echo",
            login("reviewer"),
        ),
        format!(
            "sleep 1; curl -s \"{base}/search?q=E-7731+squeal\" -H \"Authorization: Bearer {}\"; echo",
            login("outsider"),
        ),
    ]
    .join("\n\n")
}
