//! `people`, `calendars`, `rotations` and `severities` in `devmatrix.yaml`: what is wrong is named with its place.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::catalog::read;
use domain::incidents::Response;
use domain::oncall::{Every, Participant};

const GOOD: &str = r#"organisation: DevMatrix
teams:
  - {name: devops, title: DevOps Team, members: [olivia, dmitri], calendar: office}
  - {name: backend, members: [bea]}
clusters: [{name: one, provider: in-cluster}]
environments: [{name: prod, stage: 1, cluster: one, namespace: devmatrix, production: true}]
people:
  - {name: olivia, email: olivia@devmatrix.example, phone: "+49 30 1234567", chat: "https://chat.example/olivia"}
calendars:
  - {name: office, zone: Europe/Berlin, hours: "09:00-17:00", weekdays: [mon, tue, wed, thu, fri], holidays: [2026-12-25]}
rotations:
  - name: platform
    title: Platform
    zone: Europe/Berlin
    handoff: "2025-11-17T09:00"
    every: 1w
    roles: [primary, secondary]
    participants: ["team:devops", bea]
    calendar: office
  - name: platform
    effective_from: 2027-01-01T00:00:00Z
    zone: Europe/London
    handoff: "2026-12-07T10:00"
    every: 2w
    roles: [primary, secondary]
    participants: [bea, olivia]
severities:
  - {level: P0, title: Critical, response: 15m, example: complete system outage, freezes: [prod], pages: [primary]}
  - {level: P3, title: Low, response: {next_business_day: office}, example: minor bugs}
"#;

#[test]
fn the_documented_shape_reads() {
    let read = read(GOOD).unwrap();
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    let catalog = read.catalog;
    let rotation = catalog.rotation("platform").unwrap();
    assert_eq!((rotation.versions.len(), rotation.calendar.as_deref()), (2, Some("office")));
    let [first, second] = rotation.versions.as_slice() else { panic!("{rotation:?}") };
    assert_eq!((first.every, second.every, second.zone.name()), (Every::Weeks(1), Every::Weeks(2), "Europe/London"));
    assert_eq!(first.participants, [Participant::Team("devops".into()), Participant::Person("bea".into())]);
    assert_eq!(catalog.people_of(&first.participants[0]), ["olivia", "dmitri"]);
    assert_eq!(catalog.contact("olivia").unwrap().phone.as_deref(), Some("+49 30 1234567"));
    assert_eq!(catalog.severities[0].freezes, ["prod"]);
    assert_eq!(catalog.severities[1].response, Response::NextBusinessDay("office".into()));
    assert_eq!(catalog.rotation("platfrom").unwrap_err().to_string(), "There is no rotation `platfrom` (did you mean `platform`?).");
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let table = [
        ("calendar: office}", "calendar: offices}", "3:77: there is no calendar `offices`: did you mean `office`?"),
        ("name: olivia,", "name: oliver,", "8:12: `oliver` is in no team: did you mean `olivia`?"),
        ("olivia@devmatrix.example", "olivia", "8:27: `olivia` is not an e-mail address: expected NAME@HOST"),
        ("+49 30", "030", "is not a phone number: expected +, the country's code and digits"),
        ("https://chat", "javascript://chat", "is not a chat's address: expected https://…"),
        (
            "zone: Europe/Berlin, hours",
            "zone: Europe/Berlim, hours",
            "10:26: there is no time zone `Europe/Berlim`: did you mean `Europe/Berlin`?",
        ),
        ("\"09:00-17:00\"", "\"17:00-09:00\"", "10:48: `17:00-09:00` are not hours: expected a time and a later one"),
        ("[mon, tue, wed, thu, fri]", "[]", "10:73: expected at least one weekday"),
        ("thu, fri]", "thu, friday]", "unknown weekday `friday`: expected one of mon, tue"),
        ("2026-12-25]", "2026-02-30]", "`2026-02-30` is not a date: expected YYYY-MM-DD"),
        ("zone: Europe/Berlin\n", "zone: Mars/Olympus\n", "14:11: there is no time zone `Mars/Olympus`: "),
        (
            "2025-11-17T09:00",
            "2026-03-29T02:30",
            "15:14: the clocks of Europe/Berlin jump over `2026-03-29T02:30`: expected a local time that is there, such as \"2026-03-29T03:30:00\"",
        ),
        ("2025-11-17T09:00", "2025-11-17", "15:14: `2025-11-17` is not a local time: expected the first handoff"),
        ("2025-11-17T09:00", "2025-11-17T09:00Z", "15:14: `2025-11-17T09:00Z` is not a local time"),
        ("every: 1w", "every: weekly", "16:12: `weekly` is not the length of a shift: expected 1d, 1w, 2w or 1mo"),
        (
            "roles: [primary, secondary]\n    participants: [\"team",
            "roles: []\n    participants: [\"team",
            "17:12: expected at least one role",
        ),
        ("[\"team:devops\", bea]", "[]", "18:19: a rotation needs people: expected at least one"),
        ("[\"team:devops\", bea]", "[\"team:devop\"]", "18:20: there is no team `devop`: did you mean `devops`?"),
        ("[\"team:devops\", bea]", "[paul]", "18:20: `paul` is in no team: expected a member of a team"),
        ("[\"team:devops\", bea]", "[bea, bea]", "18:25: the participant `bea` is there already, in line 18"),
        (
            "    effective_from: 2027-01-01T00:00:00Z\n",
            "",
            "20:11: the rotation `platform` is there already: expected another name, or `effective_from`",
        ),
        ("2027-01-01T00:00:00Z", "soon", "21:21: `soon` is not a moment: expected one with its offset"),
        ("level: P0", "level: \"P 0\"", "28:13: `P 0` is not a level"),
        ("response: 15m", "response: soon", "28:44: `soon` is not a response time: expected 15m, 4h or {next_business_day: CALENDAR}"),
        ("next_business_day: office", "next_business_day: shop", "29:39: there is no calendar `shop`: expected one of office"),
        ("freezes: [prod]", "freezes: [prd]", "there is no environment `prd`: did you mean `prod`?"),
        ("pages: [primary]", "pages: [primry]", "there is no role `primry`: did you mean `primary`?"),
        ("level: P3", "level: P0", "29:13: the level `P0` is there already, in line 28"),
    ];
    for (from, to, expected) in table {
        assert!(GOOD.contains(from), "{from}");
        let problems: Vec<_> = read(&GOOD.replacen(from, to, 1)).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|p| p.contains(expected)), "{to}: expected `{expected}`, got {problems:#?}");
    }
}

#[test]
fn what_leaves_a_role_to_nobody_is_warned_of() {
    let fewer = read(&GOOD.replacen("[\"team:devops\", bea]", "[bea]", 1)).unwrap();
    assert!(fewer.warnings[0].what.contains("fewer participants than roles"), "{:?}", fewer.warnings);
    let empty =
        read(&GOOD.replacen("members: [bea]", "members: []", 1).replace("bea]", "olivia]").replace("[bea, ", "[\"team:backend\", "))
            .unwrap();
    assert!(empty.warnings.iter().any(|w| w.what.contains("has no members")), "{:?}", empty.warnings);
}
