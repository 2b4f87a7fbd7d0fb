//! Words that may stand as one: `604K 12345` as `604K-12345`, `power supply` as `powersupply`.

use super::plan::{Plan, alternative, has_private, push_new};
use super::ranking::weight;
use super::scope::{In, Scope};
use super::slot::{How, Source};
use super::token::Token;
use crate::analysis::identifier::{self, WHOLE};
use crate::analysis::scan::Kind;
use crate::error::SearchError;
use crate::index::record::{label, term};

/// Gives every word of a run the ways in which the run stands as one.
pub(super) fn join_neighbours(scope: &Scope<'_>, plan: &mut Plan) -> Result<(), SearchError> {
    for (from, to) in (0..plan.tokens.len()).flat_map(|from| [(from, from + 2), (from, from + 3)]) {
        let Some(run) = plan.tokens.get(from..to) else { continue };
        if !run.windows(2).all(|pair| matches!(pair, [a, b] if is_one_step(&plan.text, a, b))) {
            continue;
        }
        let joined = run.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        let sources = if run.iter().any(Token::has_digit) {
            joined_identifier(run, &joined)
        } else if run.len() == 2 && run.iter().all(|token| token.kind == Kind::Word && token.folded.len() > 1) {
            let word = run.iter().map(|token| token.lowered.as_str()).collect::<String>();
            plan.tongues.terms(&word).into_iter().map(|text| Source::Term(In::All, text)).collect()
        } else {
            continue;
        };
        for source in sources {
            let Source::Term(field, text) = &source else { continue };
            if scope.public_frequency(*field, text)? == 0 && !(has_private(scope) && scope.is_known(*field, text)?) {
                continue;
            }
            for place in from..to {
                if let Some(slot) = plan.slot_of.get(place).copied().flatten().and_then(|at| plan.slots.get_mut(at)) {
                    push_new(&mut slot.alternatives, alternative(source.clone(), weight::JOINED, How::JoinedOrSplit));
                }
            }
        }
    }
    Ok(())
}

fn is_one_step(text: &str, first: &Token, second: &Token) -> bool {
    matches!(text.get(first.end..second.start), Some(" " | "-"))
}

fn joined_identifier(run: &[Token], joined: &str) -> Vec<Source> {
    let short = run.iter().rev().skip(1).all(|token| token.has_digit() || token.folded.len() <= 10);
    if !short
        || joined.len() > 40
        || !run.last().is_some_and(Token::has_digit) && !run.first().is_some_and(Token::has_digit)
    {
        return Vec::new();
    }
    let dotted = identifier::dotted(joined);
    let mut sources = vec![
        Source::Term(In::Ident, term(WHOLE, &dotted)),
        Source::Term(In::Label, term(label::FAULT_CODE, &dotted)),
        Source::Term(In::Label, term(label::PART, &dotted)),
    ];
    if !dotted.contains('.') {
        sources.push(Source::Term(In::All, dotted));
    }
    sources
}
