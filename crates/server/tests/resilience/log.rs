//! What clients asked for and what came of it, in the order in which each of them did.

/// What a client asks for, of one tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// To write it down and have it reviewed: version 1, revision 1.
    Submit,
    /// To have another text of it: this version, as this revision.
    Edit {
        /// Each text of a tip has the next number.
        version: i32,
        /// A draft keeps its revision when it is edited.
        revision: i32,
    },
    /// To have the draft of a revision reviewed.
    Send {
        /// Which.
        revision: i32,
    },
    /// To approve a revision.
    Approve {
        /// Which.
        revision: i32,
    },
    /// To tell of a use.
    Use,
    /// To be shown it as a reader, by a search that waits for a position.
    Find {
        /// The position.
        at: i64,
    },
    /// To be shown it as its author: the newest text.
    Look,
    /// To approve a revision that is not to be approved, or not any more.
    Trespass {
        /// Which.
        revision: i32,
    },
}

/// What a client was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The number of the revision.
    pub(crate) revision: i32,
    /// The number that stands in the text.
    pub(crate) version: i32,
}

/// A request is made, and then it is answered, refused, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is sent.
    Invoke,
    /// It was answered.
    Ok {
        /// Where the write stands in the log, or what a search knew of.
        position: i64,
        /// Whether the answer is that of an earlier request under the same key.
        replayed: bool,
        /// What a reading showed.
        seen: Option<Seen>,
    },
    /// It was refused.
    Fail(String),
    /// No answer came, or one that does not tell.
    Unknown(String),
}

/// A line of the log.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Which client.
    pub(crate) client: usize,
    /// The title of the tip, which no other has.
    pub(crate) title: String,
    /// What is asked for.
    pub(crate) step: Step,
    /// What comes of it.
    pub(crate) part: Part,
}

/// Something that had to be asked for again.
#[derive(Debug, Clone)]
pub(crate) struct Again {
    /// What.
    pub(crate) step: Step,
    /// Why, each time.
    pub(crate) why: Vec<String>,
    /// Whether the last answer was that of an earlier request.
    pub(crate) replayed: bool,
}

/// What clients had to ask for again, of each whose end is known.
pub(crate) fn asked_again(log: &[Event]) -> Vec<Again> {
    let clients = log.iter().map(|event| event.client).max().map_or(0, |most| most + 1);
    (0..clients).flat_map(|client| again_by(log.iter().filter(move |event| event.client == client))).collect()
}

fn again_by<'e>(log: impl Iterator<Item = &'e Event>) -> Vec<Again> {
    let (mut all, mut why) = (Vec::new(), Vec::new());
    for Event { step, part, .. } in log {
        let replayed = match part {
            Part::Invoke => continue,
            Part::Unknown(told) => {
                why.push(told.clone());
                continue;
            }
            Part::Fail(told) if told.starts_with("401") => {
                why.push(told.clone());
                continue;
            }
            Part::Fail(_) => false,
            Part::Ok { replayed, .. } => *replayed,
        };
        if !why.is_empty() {
            all.push(Again { step: *step, why: std::mem::take(&mut why), replayed });
        }
    }
    all
}

#[test]
fn what_was_asked_again_is_told_with_why_and_whether_the_answer_was_the_first_one() {
    let event = |client: usize, part: Part| Event { client, title: "One".to_owned(), step: Step::Use, part };
    let ok = |replayed: bool| Part::Ok { position: 1, replayed, seen: None };
    let log = [
        event(0, Part::Invoke),
        event(1, Part::Invoke),
        event(0, Part::Unknown("no answer".to_owned())),
        event(1, ok(false)),
        event(0, Part::Invoke),
        event(0, Part::Fail("401 too old".to_owned())),
        event(0, Part::Invoke),
        event(0, ok(true)),
    ];
    let again = asked_again(&log);
    assert_eq!(again.len(), 1, "{again:?}");
    assert_eq!((again[0].why.len(), again[0].replayed), (2, true));
}
