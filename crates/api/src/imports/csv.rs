//! CSV as RFC 4180 has it: records of fields, quoted where they hold commas, quotes or line breaks.

/// One record, and the line of the file that it begins on, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// The records of a text; empty lines are none. A quote that is not closed runs to the end.
pub(crate) fn records(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut fields, mut field, mut quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let (mut line, mut begun) = (1, 1);
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, was_quoted) = (true, true),
            _ if quoted => field.push(c),
            ',' => {
                fields.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                if !fields.is_empty() || !field.is_empty() || was_quoted {
                    fields.push(std::mem::take(&mut field));
                    records.push(Record { line: begun, fields: std::mem::take(&mut fields) });
                }
                (begun, was_quoted) = (line, false);
            }
            other => field.push(other),
        }
    }
    if !fields.is_empty() || !field.is_empty() || was_quoted {
        fields.push(field);
        records.push(Record { line: begun, fields });
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_spreadsheets_write_them() {
        let text = "\u{feff}id,title\r\n1,\"a, \"\"b\"\"\nc\"\n\n2,\n3,\"\"";
        let record = |line, fields: [&str; 2]| Record { line, fields: fields.map(str::to_owned).to_vec() };
        let expected =
            [record(1, ["id", "title"]), record(2, ["1", "a, \"b\"\nc"]), record(5, ["2", ""]), record(6, ["3", ""])];
        assert_eq!(records(text), expected);
        assert_eq!(records(""), []);
        assert_eq!(records("\"").len(), 1);
    }
}
