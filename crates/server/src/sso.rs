//! The identity providers in the settings file: one `[[sso]]` table each, as `docs/sso.md` describes them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use eureka_domain::community::Role;
use eureka_domain::identity::{Gives, Mapping};
use eureka_service::{KeySource, Linking, Newcomers, ProviderOptions, SignedWith};
use serde::Deserialize;

/// The name of the tables.
pub(crate) const TABLE: &str = "sso";

/// A settings file, as far as it concerns this.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    sso: Vec<Provider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    issuer: String,
    jwks: String,
    jwks_ca: Option<PathBuf>,
    audience: Vec<String>,
    #[serde(default)]
    clients: Vec<String>,
    #[serde(default)]
    algorithms: Option<Vec<String>>,
    #[serde(default = "groups")]
    groups_claim: String,
    #[serde(default)]
    new_users: bool,
    #[serde(default)]
    link_by_email: bool,
    #[serde(default)]
    grant: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    group: String,
    community: Option<String>,
    role: String,
}

fn groups() -> String {
    "groups".to_owned()
}

/// The providers that a settings file names.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<ProviderOptions>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let written: Written = toml::from_str(&text).with_context(|| format!("`[[sso]]` in {}", file.display()))?;
    let providers = written.sso.into_iter().map(|provider| {
        let issuer = provider.issuer.clone();
        options(provider).with_context(|| format!("{}: the identity provider {issuer}", file.display()))
    });
    providers.collect()
}

fn options(written: Provider) -> anyhow::Result<ProviderOptions> {
    ensure!(!written.issuer.is_empty(), "`issuer` is empty");
    ensure!(!written.audience.is_empty(), "`audience` is empty: say for whom its tokens have to be");
    let names = written.algorithms.unwrap_or_else(|| vec!["RS256".to_owned()]);
    ensure!(!names.is_empty(), "`algorithms` is empty");
    let algorithms = names.iter().map(|name| {
        SignedWith::from_name(name)
            .with_context(|| format!("`algorithms`: {name} is none that a provider may sign with"))
    });
    let mapping = written.grant.into_iter().map(|grant| Ok((grant.group.clone(), gives(grant)?)));
    Ok(ProviderOptions {
        issuer: written.issuer,
        keys: keys(written.jwks, written.jwks_ca.as_deref())?,
        audience: written.audience,
        clients: written.clients,
        algorithms: algorithms.collect::<anyhow::Result<_>>()?,
        groups_claim: written.groups_claim,
        mapping: Mapping(mapping.collect::<anyhow::Result<_>>()?),
        newcomers: if written.new_users { Newcomers::Welcome } else { Newcomers::Refused },
        linking: if written.link_by_email { Linking::ByVerifiedEmail } else { Linking::Never },
    })
}

fn keys(place: String, roots: Option<&Path>) -> anyhow::Result<KeySource> {
    if !place.contains("://") {
        ensure!(roots.is_none(), "`jwks_ca` is for keys at a URL");
        return Ok(KeySource::File(place.into()));
    }
    let read = |file: &Path| std::fs::read(file).with_context(|| format!("`jwks_ca`: cannot read {}", file.display()));
    Ok(KeySource::Url { url: place, roots: roots.map(read).transpose()? })
}

fn gives(grant: Grant) -> anyhow::Result<Gives> {
    match (grant.community, grant.role.as_str()) {
        (None, "admin") => Ok(Gives::Admin),
        (Some(community), role) => {
            let role = Role::from_word(role).with_context(|| format!("`grant`: {role} is no role in a community"))?;
            Ok(Gives::Role { community, role })
        }
        (None, role) => bail!("`grant`: name the `community` in which {} is to be {role}", grant.group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
        readers = 3

        [[sso]]
        issuer = "https://id.example.org/realms/field"
        jwks = "https://id.example.org/realms/field/protocol/openid-connect/certs"
        audience = ["eureka"]
        clients = ["field-app"]
        algorithms = ["RS256", "ES256"]
        groups_claim = "/realm_access/roles"
        new_users = true

        [[sso.grant]]
        group = "printer-peers"
        community = "printers"
        role = "reviewer"

        [[sso.grant]]
        group = "it"
        role = "admin"
    "#;

    fn written(text: &str) -> anyhow::Result<Vec<ProviderOptions>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("eureka.toml");
        std::fs::write(&file, text)?;
        read(&file)
    }

    #[test]
    fn a_provider_is_read_with_all_that_its_table_says() {
        let [provider] = &written(FULL).unwrap()[..] else { panic!("one provider") };
        assert_eq!(provider.algorithms, [SignedWith::Rs256, SignedWith::Es256]);
        assert_eq!((provider.newcomers, provider.linking), (Newcomers::Welcome, Linking::Never));
        assert_eq!(provider.groups_claim, "/realm_access/roles");
        let role = Gives::Role { community: "printers".to_owned(), role: Role::Reviewer };
        assert_eq!(provider.mapping.0, [("printer-peers".to_owned(), role), ("it".to_owned(), Gives::Admin)]);
        assert!(written("readers = 3").unwrap().is_empty());
    }

    #[test]
    fn what_is_left_out_is_the_careful_choice() {
        let text = "[[sso]]\nissuer = \"https://x\"\njwks = \"keys.json\"\naudience = [\"eureka\"]";
        let [provider] = &written(text).unwrap()[..] else { panic!("one provider") };
        assert_eq!(provider.algorithms, [SignedWith::Rs256]);
        assert_eq!((provider.newcomers, provider.linking), (Newcomers::Refused, Linking::Never));
        assert_eq!(provider.keys, KeySource::File("keys.json".into()));
        assert_eq!(provider.mapping, Mapping::default());
    }

    #[test]
    fn what_makes_no_sense_is_said_with_the_provider_s_name() {
        for (from, to) in [
            ("[\"RS256\", \"ES256\"]", "[\"HS256\"]"),
            ("[\"RS256\", \"ES256\"]", "[\"none\"]"),
            ("[\"RS256\", \"ES256\"]", "[]"),
            ("audience = [\"eureka\"]", "audience = []"),
            ("role = \"reviewer\"", "role = \"admin\""),
            ("role = \"admin\"", "role = \"steward\""),
        ] {
            let error = written(&FULL.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains("id.example.org"), "{to}: {error:#}");
        }
        assert!(written(&FULL.replace("new_users", "newusers")).is_err());
        assert!(written("[sso]\nissuer = \"x\"").is_err());
    }
}
