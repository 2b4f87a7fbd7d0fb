//! German compounds, partly: a word made of two or three common technical words also counts as each of them.

/// Building words, folded. Short ones that stand inside many unrelated words are left out on purpose.
const WORDS: &str = "
abdeckung ablage abluft abschluss absaugung achse adapter aggregat akku akkumulator anlage anlasser anleitung anschluss anschlag
antenne antrieb anzeige arbeit aufnahme aufzug ausfall ausgabe ausgang auslass austausch auto batterie bau becken bedien
behalter beleuchtung bereich betrieb bild bildschirm blatt blech block bohrung bolzen bremse brems brenner brett bruch bucker
buchse burste controller dampf daten deckel dichtung dicht diode display dose draht dreh drehzahl druck drucker druse duse durchfluss
einheit eingang einlass einspritz einstellung einzug eisen elektronik element energie entlade erdung ersatz fabrik fahrer fahrstuhl
fahrzeug farbe feder fehler feld fenster fern fest fett feuchte feuer filter fixier flasche flansch folie forder
form freigabe frequenz fuhler fuhrung funk funktion gas geblase geber gehause gelenk generator gerat geschwindigkeit getriebe
gewicht gitter glas gleich griff gummi gurt hahn halter halterung hand haupt hebel heiz heizung heiss hitze hochdruck hohe hub hydraulik
impuls industrie isolierung joch kabel kalibrierung kalte kamera kammer kanal kappe karte kassette kasten kessel kette klappe klemme klima
knopf kohle kolben kompressor kondensator kontakt kontroll kopf kopie kopier korb kraft kraftstoff kreis kuhl kuhler kuhlung kupplung kurbel kurz
lade ladung lager lampe lampen laser last lauf leck leder leistung leiter leitung lenkung licht loch luft lufter luftung magnet mangel
maschine maschinen mass material mechanik meldung menge messer metall minute mittel modul montage motor motoren mutter nachricht nadel netz netzwerk niveau
not notruf nummer nut oberflache ofen offnung ol olwechsel ordnung ort papier patrone pedal pegel pfad platine platte pol position presse
produkt profil programm projekt prozess pruf prufung puffer pumpe pumpen punkt rad rahmen rand raum rechner regel regelung regler reifen reihe reinigung
relais rest riemen ring rohr rolle rollen rost rotor ruckschlag ruhe saug schacht schalter schaltung schaden schale scheibe schiene schlauch schleife schliess schloss
schlussel schmier schnecke schnitt schnittstelle schrank schraube schrauben schutz schweiss schwinge seil seite sensor service sicherheit sicherung sicherungs signal sitz software
sonde spalt spannung spannungs speicher speise sperre spiegel spindel spule spul stab stand start station staub stau stecker stelle steuer steuerung stift stirn stoff
stopp storung stoss strahl strecke strom stuck stuhl stufe stutze system tabelle tank taste tasten taster technik teil teile temperatur thermo thermostat
tisch toner ton tor transformator transport treiber trenn trockner trommel tropfen tuch tur turen typ uber ubertragung uhr umgebung umlauf umluft umrichter
unterbrechung update ventil ventilator verbindung verbrauch verbrenner verdampfer verdichter verlust verriegelung versatz verschleiss verschluss versorgung verstarker verteiler verwaltung volumen
vorrat vorschub waage wagen walze walzen wand wanne warme warn warnung wartung wasser wechsel welle wellen werk werkzeug wert wert wetter wickel widerstand winkel wind
zahn zahnrad zange zeichen zeit zelle zentral zufuhr zug zundung zund zubehor zugang zustand zylinder
bericht benutzer bildung daten datei dienst dokument einstell fenster forschung gebiet geschichte gesetz haus kirche konig konto krieg kunst land leben macht markt mehr mensch nacht
netz ordner passwort pflanze plan politik preis recht regierung reich schule schul spiel sprache staat stadt stern sucht tag tier verein verfahren verwendung volk wahl wald welt wirtschaft wissenschaft wort zahl zentrum ziel
";

/// Shortest word that is looked at, in bytes.
const SHORTEST: usize = 8;

fn words() -> &'static std::collections::HashSet<&'static str> {
    static SET: std::sync::OnceLock<std::collections::HashSet<&'static str>> = std::sync::OnceLock::new();
    SET.get_or_init(|| WORDS.split_whitespace().collect())
}

/// The parts of a folded word, when all of it is made of known words with the usual joints; else the known word it
/// ends with, whose first part is at least four letters long. Empty when neither holds.
pub(crate) fn parts(folded: &str) -> Vec<&str> {
    if folded.len() < SHORTEST || !folded.is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if split(folded, 3, &mut found) && found.len() > 1 {
        return found;
    }
    // `Xyz-pumpe`: the head of a compound is its last part, and says what the thing is.
    for at in 4..=folded.len().saturating_sub(4) {
        if let (Some(first), Some(head)) = (folded.get(..at), folded.get(at..))
            && head.len() >= 5
            && known(head)
        {
            let first = first.strip_suffix('s').filter(|first| first.len() >= 4).unwrap_or(first);
            return vec![first, head];
        }
    }
    Vec::new()
}

fn split<'w>(rest: &'w str, most: usize, found: &mut Vec<&'w str>) -> bool {
    if known(rest) {
        found.push(rest);
        return true;
    }
    if most <= 1 {
        return false;
    }
    for at in (3..=rest.len().saturating_sub(3)).rev() {
        let (Some(first), Some(second)) = (rest.get(..at), rest.get(at..)) else { continue };
        if !known(first) {
            continue;
        }
        for joint in ["", "s", "n", "en", "es", "er", "e"] {
            if let Some(second) = second.strip_prefix(joint) {
                let before = found.len();
                found.push(first);
                if split(second, most - 1, found) {
                    return true;
                }
                found.truncate(before);
            }
        }
    }
    false
}

fn known(word: &str) -> bool {
    if words().contains(word) {
        return true;
    }
    ["en", "n", "s", "es", "e", "er"]
        .iter()
        .any(|ending| word.strip_suffix(ending).is_some_and(|stem| stem.len() >= 4 && words().contains(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn german_compounds_come_apart_at_their_joints() {
        assert_eq!(parts("netzteil"), ["netz", "teil"]);
        assert_eq!(parts("sicherungshalter"), ["sicherungs", "halter"]);
        assert_eq!(parts("lufterfehler"), ["lufter", "fehler"]);
        assert_eq!(parts("papierstausensor"), ["papier", "stau", "sensor"]);
        assert_eq!(parts("hydraulikpumpen"), ["hydraulik", "pumpen"]);
        assert_eq!(parts("zweitaktmotor"), ["zweitakt", "motor"]);
    }

    #[test]
    fn other_words_stay_whole() {
        for word in ["drucker", "international", "verwendet", "zwischen"] {
            assert_eq!(parts(word), [""; 0], "{word}");
        }
    }
}
