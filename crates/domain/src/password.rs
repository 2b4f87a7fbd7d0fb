//! What a password must be: long enough, short enough to hash, and not one that guessers try first. No rules of composition
//! beside that (NIST SP 800-63B).

use crate::error::RuleError;

/// Shortest password, in characters.
pub const PASSWORD_MIN: usize = 12;
/// Longest password, in characters: long enough for any phrase, short enough to hash.
pub const PASSWORD_MAX: usize = 256;
/// How many letters and digits must be left once all that is easily guessed is taken out.
const OWN: usize = 6;

/// What passwords are made of that many have: lower case, the longest of those that begin alike first.
const COMMON: &[&str] = &[
    "administrator",
    "admin",
    "passphrase",
    "password",
    "passwort",
    "passwd",
    "motdepasse",
    "contrasena",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qwerty",
    "qwertz",
    "azerty",
    "asdfgh",
    "asdf",
    "zxcvbnm",
    "yxcvbnm",
    "qazwsx",
    "1q2w3e4r5t",
    "1q2w3e4r",
    "1q2w3e",
    "welcome",
    "willkommen",
    "bienvenue",
    "letmein",
    "iloveyou",
    "changeme",
    "changeit",
    "default",
    "geheim",
    "secret",
    "login",
    "master",
    "dragon",
    "monkey",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "starwars",
    "pokemon",
    "whatever",
    "trustnoone",
    "trustno",
    "shadow",
    "michael",
    "jennifer",
    "jordan",
    "charlie",
    "computer",
    "internet",
    "correcthorsebatterystaple",
    "hello",
    "hallo",
    "guest",
    "user",
    "root",
    "test",
    "demo",
    "temp",
    "company",
    "firma",
    "service",
    "technician",
    "eureka",
    "spring",
    "summer",
    "autumn",
    "winter",
    "january",
    "february",
    "october",
    "november",
    "december",
    "monday",
    "friday",
    "sunday",
];

/// Checks a password that is to be set by, or for, a person who is called so and so.
pub fn checked_password(password: &str, personal: &[&str], pointer: &str) -> Result<(), RuleError> {
    checked_length(password, pointer)?;
    if is_common(password, personal) {
        let detail = "too easily guessed: of common words, names, years, runs and repetitions, not enough else is left";
        return Err(RuleError::field(pointer, "common", detail));
    }
    Ok(())
}

/// Checks a password that an operator sets from the command line, where they are trusted.
pub fn checked_length(password: &str, pointer: &str) -> Result<(), RuleError> {
    let length = password.chars().count();
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&length) {
        return Ok(());
    }
    let code = if length < PASSWORD_MIN { "too_short" } else { "too_long" };
    Err(RuleError::field(pointer, code, format!("{PASSWORD_MIN} to {PASSWORD_MAX} characters")))
}

fn is_common(password: &str, personal: &[&str]) -> bool {
    let lower = password.to_lowercase();
    // Letters that are written as digits are read both ways.
    [lower.clone(), lower.chars().map(unmasked).collect()].into_iter().any(|text| left_of(text, personal) < OWN)
}

/// How many different letters and digits are left of a text without what is easily guessed.
fn left_of(text: String, personal: &[&str]) -> usize {
    let mut text: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let named = personal.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase);
    for word in named.filter(|word| word.chars().count() >= 3).chain(COMMON.iter().map(|&word| word.to_owned())) {
        text = text.replace(&word, "\n");
    }
    let chars: Vec<char> = text.chars().collect();
    let mut left: Vec<char> = Vec::new();
    let mut rest = chars.as_slice();
    while let Some(&first) = rest.first() {
        let run = run(rest);
        if run < 3 && first != '\n' {
            left.extend(rest.iter().take(run));
        }
        rest = rest.get(run..).unwrap_or_default();
    }
    let year = |window: &[char]| matches!(window, ['1', '9', c, d] | ['2', '0', c, d] if c.is_ascii_digit() && d.is_ascii_digit());
    let years = left.windows(4).filter(|window| year(window)).count();
    let mut different = left;
    different.sort_unstable();
    different.dedup();
    different.len().saturating_sub(4 * years)
}

/// How many characters at the beginning go up, go down or stay, one by one: at least one.
fn run(text: &[char]) -> usize {
    let step = |window: &[char]| match window {
        [a, b] => i64::from(u32::from(*b)) - i64::from(u32::from(*a)),
        _ => i64::MAX,
    };
    let Some(first) = text.windows(2).next().map(step).filter(|step| step.abs() <= 1) else { return 1 };
    let length = 1 + text.windows(2).take_while(|window| step(window) == first).count();
    if length < 3 { 1 } else { length }
}

fn unmasked(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str) -> Option<&'static str> {
        match checked_password(password, &["Ana Élan", "ana.elan@printers.example"], "/password") {
            Ok(()) => None,
            Err(RuleError::Invalid(errors)) => Some(errors[0].code),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_guessers_try_first_is_refused() {
        for common in [
            "password1234",
            "Password2026!",
            "P@ssw0rd2026",
            "passwordpassword",
            "123456789012",
            "098765432109",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijkl",
            "qwertyuiop12",
            "Qwertz123456!",
            "iloveyou1234",
            "letmein12345",
            "Welcome2Eureka",
            "admin-admin-admin",
            "correct horse battery staple",
            "Summer-2026!!",
            "ana.elan.1987",
            "printers2026",
            "changeme1234",
            "1q2w3e4r5t6y",
            "eureka-demo-2026",
        ] {
            assert_eq!(code(common), Some("common"), "{common}");
        }
    }

    #[test]
    fn what_has_something_of_its_own_is_taken_whatever_it_is_made_of() {
        for own in [
            "oxidised fuse holders",
            "a new and better one",
            "drei rote Sicherungen",
            "xk7m-p2qv-9dth",
            "なつかしい故障コードの話です",
            "my password is long enough",
            "three blind photoconductors",
        ] {
            assert_eq!(code(own), None, "{own}");
        }
        assert_eq!(code("short"), Some("too_short"));
        assert_eq!(code(&"long ".repeat(60)), Some("too_long"));
    }
}
