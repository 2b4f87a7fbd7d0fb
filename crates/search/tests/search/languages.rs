//! Each tip in its own language, each query in every language it could be in.

use eureka_search::SearchRequest;

use crate::shelf::{Shelf, With, numbers, tip};

fn shelf() -> Shelf {
    Shelf::of([
        tip(1, "The batteries drain overnight", "Two batteries were empty in the morning.").lang("en"),
        tip(2, "Sicherungshalter oxidiert", "Nach dem Aufwärmen meldet das Gerät einen Fehler.").lang("de"),
        tip(3, "Netzteil brummt", "Die Lüfterdrehzahl schwankt, das Netzteil wird heiß.").lang("de"),
        tip(4, "Imprimantes à l'arrêt", "Les porte-fusibles sont oxydés, état intermittent.").lang("fr"),
        tip(5, "Ventilador ruidoso", "Los motores hacen ruido cuando está frío.").lang("es"),
        tip(6, "Ventola montata al contrario", "Le stampanti si fermano.").lang("it"),
        tip(7, "Elevador desce", "Os freios não seguram durante a noite.").lang("pt"),
        tip(8, "Deuren blijven open", "De filtermatten van de kasten zijn vuil.").lang("nl"),
        tip(9, "Elbil laddar inte", "Skrivarna stannar när kylan kommer.").lang("sv"),
        tip(10, "Motorerne stopper", "Papiret sidder fast.").lang("da"),
        tip(11, "Motorene stopper", "Papiret sitter fast i skuffen.").lang("no"),
        tip(12, "Tulostimet pysähtyvät", "Paperitukos toistuu.").lang("fi"),
        tip(13, "Принтеры останавливаются", "Ошибка после второй страницы.").lang("ru"),
        tip(14, "Nyomtatók leállnak", "A papír elakadt.").lang("hu"),
        tip(15, "Imprimantele se opresc", "Hârtia este blocată.").lang("ro"),
        tip(16, "Yazıcılar duruyor", "Kağıt sıkıştı.").lang("tr"),
        tip(17, "打印机卡纸", "分离垫磨损后连续进纸。").lang("zh"),
        tip(18, "分離パッドの摩耗", "用紙が二枚ずつ送られる。").lang("ja"),
        tip(19, "프린터 용지 걸림", "분리 패드가 마모되었습니다.").lang("ko"),
    ])
}

#[test]
fn word_forms_find_each_other_in_every_language() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("battery drained", 1),
        ("oxidierte Sicherungshalter", 2),
        ("imprimante", 4),
        ("motor ruidosos", 5),
        ("stampante", 6),
        ("freio", 7),
        ("deur", 8),
        ("skrivare", 9),
        ("принтера", 13),
        ("nyomtató", 14),
        ("imprimanta", 15),
    ] {
        assert!(shelf.find(typed).contains(&wanted), "{typed}: {:?}", shelf.find(typed));
    }
}

#[test]
fn accents_and_umlauts_do_not_matter() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("etat", 4),
        ("ÉTAT", 4),
        ("oxydes", 4),
        ("Luefterdrehzahl", 3),
        ("Lufterdrehzahl", 3),
        ("LÜFTERDREHZAHL", 3),
        ("nao seguram", 7),
        ("hartia", 15),
        ("heiss", 3),
    ] {
        assert_eq!(shelf.find(typed).first(), Some(&wanted), "{typed}");
    }
}

#[test]
fn german_compounds_are_found_by_their_parts_and_the_other_way_round() {
    let shelf = shelf();
    assert_eq!(shelf.find("Sicherung").first(), Some(&2));
    assert_eq!(shelf.find("Drehzahl").first(), Some(&3));
    assert_eq!(shelf.find("Netz Teil").first(), Some(&3));
    let apart = Shelf::of([tip(1, "Kein Strom", "Die Sicherung sitzt lose im Halter.").lang("de")]);
    assert_eq!(apart.find("Sicherungshalter"), [1]);
}

#[test]
fn texts_without_spaces_are_found_by_any_part_of_two_characters() {
    let shelf = shelf();
    for (typed, wanted) in [
        ("打印机", 17),
        ("卡纸", 17),
        ("分離パッド", 18),
        ("摩耗", 18),
        ("용지", 19),
        ("패드", 19),
        ("分离垫 磨损", 17),
    ] {
        assert_eq!(shelf.find(typed).first(), Some(&wanted), "{typed}");
    }
    assert!(!shelf.find("机打").contains(&17));
}

#[test]
fn a_code_is_found_in_every_language_and_the_callers_language_comes_first() {
    let shelf = Shelf::of(
        [("en", "Fault after start"), ("de", "Fehler nach dem Start"), ("fr", "Défaut après le départ")]
            .iter()
            .zip(1..)
            .map(|((lang, title), number)| tip(number, title, "SC542.").codes(&["SC542"]).lang(lang)),
    );
    let mut found = shelf.find("SC542");
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3]);
    for (lang, first) in [("de", 2), ("fr", 3), ("en", 1)] {
        let request = SearchRequest { ui_lang: Some(lang.to_owned()), ..SearchRequest::new("SC542") };
        assert_eq!(numbers(&shelf.ask(&request)).first(), Some(&first), "{lang}");
    }
}

#[test]
fn a_missing_language_is_detected() {
    let shelf = Shelf::of([
        tip(1, "Der Drucker bleibt stehen", "Nach der zweiten Seite bleibt der Drucker stehen und zeigt einen Fehler.")
            .lang(""),
        tip(2, "The printer stops", "It stops after the second page and shows an error on the panel.").lang(""),
    ]);
    let langs = |q: &str| shelf.search(q).hits.into_iter().filter_map(|hit| hit.tip.lang.clone()).collect::<Vec<_>>();
    assert_eq!(langs("Drucker"), ["de"]);
    assert_eq!(langs("printer"), ["en"]);
}
