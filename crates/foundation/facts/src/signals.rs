//! What free text says of a child's danger, in German and English, by stated words.
//!
//! The rules find words; they understand nothing. They raise a rank, never lower one, and accuse nobody. A pattern is
//! words in their order: `word*` matches any word that begins so, `..` up to six words between. Text is taken
//! sentence by sentence; a negation shortly before a pattern takes it back.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::{Facts, Message};

/// Characters of all texts of a report that are looked at. Our judgement.
const CHARS_MAX: usize = 40_000;
/// Words that `..` may stand for. Our judgement.
const GAP_WORDS_MAX: usize = 6;
/// Words before a pattern in which a negation counts. Our judgement.
const NEGATION_WORDS: usize = 3;

/// A sort of thing that text can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// A child is spoken of.
    Child,
    /// It is about now, today or the days to come.
    Soon,
    /// A meeting in person.
    Meeting,
    /// The child speaks of suicide or of hurting itself.
    SelfHarm,
    /// Sexual abuse or violence against a child in person.
    Abuse,
    /// Somebody lives or works with a child.
    Access,
    /// Streamed live.
    Live,
    /// Blackmail.
    Blackmail,
    /// Somebody asks a child for pictures, or talks to it of sex.
    Grooming,
    /// Paid, or to be paid, for pictures, shows or a child.
    Payment,
    /// Contact becomes closer or moves elsewhere.
    Escalation,
    /// A child is sold, lent or made to work.
    Trafficking,
    /// Somebody makes pictures of a child.
    Production,
    /// A child is missing.
    Missing,
    /// Somebody threatens to kill or hurt a child.
    Threat,
    /// Somebody collects, trades or sells many files.
    Collection,
    /// Somebody trades or collects, by words of that trade.
    Trade,
    /// An adult poses as a child.
    Posing,
    /// Somebody looks for children or for material.
    Search,
    /// The child made the pictures itself.
    SelfMade,
    /// Material that is known, matched or old.
    Known,
}

/// Words for a signal, with where the rule comes from and what it is to find and not to find.
pub struct TextRule {
    /// What it says.
    pub signal: Signal,
    /// Patterns, lower case.
    pub patterns: &'static [&'static str],
    /// Patterns that count only in a sentence that speaks of a child: their words are about anything.
    pub with_a_child: &'static [&'static str],
    /// Where the rule comes from.
    pub source: &'static str,
    /// A text in which it is found.
    pub example: &'static str,
    /// A text with similar words in which it isn't.
    pub counterexample: &'static str,
}

const NCMEC: &str = "NCMEC, CyberTipline reports escalated as urgent, 2023";
const STANFORD: &str = "Stanford Internet Observatory, How to Fix the Online Child Exploitation Reporting System, 2024";
const FATF: &str = "FATF, Detecting and disrupting online child sexual exploitation, 2025";
const OURS: &str = "our judgement, after the reports of hotlines and task forces";

/// Every rule; that of the child comes first.
#[rustfmt::skip]
pub const TEXT_RULES: &[TextRule] = &[
    TextRule {
        signal: Signal::Child, source: OURS,
        patterns: &["mitschüler*", "classmate*", "schoolmate*", "pupil", "pupils", "profiles .. underage", "underage", "minderjährige*", "under 14*", "under 16*", "unter 14", "unter 16", "kiddo", "little girl", "little boy", "small girl", "small boy", "youngster*", "enkelin", "patenkind", "kindergarten", "vorschulkind*", "grade schooler*", "schulname*", "schwimmverein", "kinderzimmer", "gesamtschule", "gymnasium", "realschule", "hauptschule", "grundschüler*", "cousin*", "cousine*", "pflegekind*", "enkelkind*", "stiefkind*", "schulkind*", "kleine schwester", "lil", "little one*", "year 5", "year 6", "year 7", "year 8", "year 9", "5th", "6th", "7th", "8th", "elementary", "middle school", "primary school", "secondary school", "high school", "mama", "mami", "mommy", "mummy", "tween*", "jungs", "mädel*", "maedel*", "mädls", "schulhof", "konfirmand*", "erstklässler*", 
            "child", "children", "kid", "kids", "girl", "girls", "boy", "boys", "daughter*", "stepdaughter*", "son", "sons",
            "stepson*", "minor", "minors", "underage*", "toddler*", "infant*", "baby", "babies", "teen", "teens", "teenager*",
            "preteen*", "pupil*", "niece*", "nephew*", "granddaughter*", "grandson*", "schoolgirl*", "schoolboy*",
            "th grade", "kind", "kinder", "kindes", "kindern", "mädchen", "maedchen", "junge", "jungen", "tochter", "töchter",
            "stieftochter", "sohn", "söhne", "stiefsohn", "minderjährig*", "minderjaehrig*", "säugling*", "kleinkind*",
            "sister", "sisters", "brother", "brothers", "schwester", "schwestern", "bruder", "brüder", "stiefschwester", "grandchild*", "jugendlich*", "schüler*", "schueler*", "enkel*", "nichte*", "neffe*", "teenie*", "klasse", "kita", "grundschule*",
        ],
        with_a_child: &[],
        example: "a girl from the school", counterexample: "the kindness of strangers",
    },
    TextRule {
        signal: Signal::Soon, source: NCMEC,
        patterns: &["this night", "last night", "last nite", "yesterday", "gestern", "seit gestern", "at this time", "soon", "in kürze", "demnächst", "every evening", "every day", "jeden abend", "jeden tag", "thursday", "monday", "friday", "saturday", "sunday", "tuesday", "wednesday", "donnerstag", "freitag", "samstag", "sonntag", "montag", "dienstag", "mittwoch", "morgen früh", "tomorrow morning", "lands", "landet", "the same evening", "am selben abend", "in 10 minutes", "in a few minutes", "in a minute", "just now", "already on", "gets in", "arrives", "arriving", "at 3", "at 4", "at 5", "heute um", "um 14 uhr", "um 15 uhr", "um 16 uhr", "um 17 uhr", "um 18 uhr", "um 19 uhr", "um 20 uhr", "in diesen minuten", "seit stunden", "eben", "soeben", "läuft gerade", "weekend", "wochenende", "before school", "vor der schule", "spring break", "in den ferien", "nächste woche", "next week", "2morrow", "2day", "tmrow", "tomorow", "tomorro", "over the weekend", 
            "today", "tonight", "tonite", "tomorrow", "tmrw", "tmr", "right now", "now", "at this moment", "this evening", "this afternoon",
            "this morning", "this weekend", "this week", "on the way", "in an hour", "in .. hour*", "in .. minutes", "within hours", "next hour*", "on monday",
            "on tuesday", "on wednesday", "on thursday", "on friday", "on saturday", "on sunday", "after school", "currently",
            "immediately", "as we speak", "at the moment", "next weekend", "coming weekend", "in two days", "in 2 days", "heute", "heut", "heute abend", "heute nacht", "morgen", "übermorgen", "uebermorgen", "gerade", "jetzt",
            "gleich", "momentan", "am wochenende", "dieses wochenende", "diese woche", "am montag", "am dienstag", "am mittwoch", "am donnerstag", "am freitag",
            "am samstag", "am sonntag", "nach der schule", "in einer stunde", "in .. stunden", "unterwegs", "auf dem weg", "sofort",
            "noch heute", "in diesem moment", "nächste stunde", "zur zeit", "zurzeit",
        ],
        with_a_child: &[],
        example: "he comes tomorrow", counterexample: "it was three years ago",
    },
    TextRule {
        signal: Signal::Meeting, source: NCMEC,
        patterns: &["wait for", "wait outside", "outside her", "outside his", "outside the school", "vor der schule", "take her", "takes her", "take him", "take her away", "mitnehmen", "nimmt sie mit", "bring .. to the guest house", "guest house", "guesthouse", "auflauern", "lauert", "abfangen", "fängt sie ab", "at the door", "vor der tür", "vor ihrer tür", "bring* the children", "bring* the girl", "bring* the boy", "flight lands", "bus station", "busbahnhof", "haltestelle", "bus stop", "kinobesuch", "ins kino", "come alone", "komm allein", "komm alleine", "allein kommen", "alleine kommen", "on the train", "im zug", "sitzt im zug", "im auto", "hinfahren", "fahrkarte", "zugticket", "flight to", "flug nach", "flies to", "driving to", "drives to", "at the station", "at the mall", "at the park", "am spielplatz", "im park", "parkplatz", "parking lot", "playground", "hotel", "motel", "airbnb", "übernachtung", "sleepover", "irl", "in real life", "in echt", "real treffen", "persönlich treffen", "lädt .. ein", "invit* .. home", "invit* .. over", "eingeladen", "verabredet", "at his place", "at his house", "at her place", "bei sich zu hause", "zu sich nach hause", "nach hause eingeladen", 
            "meet", "meets", "meeting", "meetup", "meet up", "met up", "to be met", "come over", "comes over", "coming over", "come to .. house", "come to .. place", "come to .. hotel",
            "pick .. up", "picks .. up", "picking .. up", "pick up", "is on his way to", "is on her way to", "on .. way to", "hotel room*",
            "booked .. hotel", "visit her", "visit him", "visits her", "visits him", "see her in person", "in person", "travel* to", "wait* for her", "wait* for him", "waiting outside", "bus ticket", "train ticket", "get in .. car", "treffen", "trifft", "treff", "getroffen werden",
            "abholen", "holt .. ab", "abgeholt", "vorbeikommen", "kommt vorbei", "zu ihm kommen", "zu mir kommen", "zu ihm fahren", "zu ihr fahren", "fährt zu", "faehrt zu",
            "verabredet", "verabredung", "besuchen", "besucht sie", "besucht ihn", "im hotel", "hotelzimmer", "wartet auf sie", "wartet auf ihn", "wartet vor", "am bahnhof", "ins auto",
        ],
        with_a_child: &["waiting for", "waits for", "come to", "comes to", "visit*", "stay overnight", "sleepover", "sleep over", "übernacht*", "wartet", "kommt zu", "zu besuch", "fahren zu", "fährt zu", "faehrt zu"],
        example: "he wants to meet her", counterexample: "we will call back",
    },
    TextRule {
        signal: Signal::SelfHarm, source: NCMEC,
        patterns: &["cut her arms", "cut his arms", "cutting her", "end it", "ends it", "gonna end it", "wants to end it", "cut her", "cuts", "geritzt", "arme aufgeschnitten", "arme geritzt", "aufgeschnitten", "schnitt*", "will sich umbringen", "bringt sich sonst um", "nicht mehr kann", "kann nicht mehr", "can't go on", "cant take it", "can't take it anymore", "to live anymore", "to live any more", "wanna live", "wanna die", "wants 2 die", "want 2 die", "better off dead", "be dead", "goodbye", "goodby", "good bye", "farewell", "last message", "abschied*", "verabschiedet", "abschiedsbrief*", "lebensmüde", "leben beenden", "nicht mehr da sein", "nicht mehr weiterleben", "nicht weiter leben", "nicht weiterleben", "tot sein", "sich was antut", "pills", "unalive*", "kys", "selbsttötung*", "selbstgefährd*", "suizidal*", "will nicht mehr leben", "keinen sinn mehr", 
            "suicid*", "kill myself", "kill herself", "kill himself", "kill themsel*", "kill itself", "killing herself", "killing himself", "killing myself", "end my life", "end her life", "end his life", "end it all", "ending it", "take her own life", "take his own life", "take my own life",
            "hurt myself", "hurts herself", "hurts himself", "hurt herself", "hurt himself", "hurting herself", "hurting himself", "harm myself", "harm herself", "harm himself", "harming herself", "harming himself", "self harm*", "selfharm*", "self-harm*", "cuts herself",
            "cuts himself", "cut herself", "cut himself", "cutting", "want* to die", "wants to die", "don't want to live", "doesn't want to live", "does not want to live", "not want to live", "not live any longer", "not live anymore", "no reason to live",
            "overdose*", "jump off", "jump from", "umbringen", "bringt sich um", "bring mich um", "suizid*", "selbstmord*", "nicht mehr leben", "das leben nehmen", "sich etwas antun", "sich was antun", "etwas antun", "was antut", "etwas antut", "ritzt sich", "ritzen",
            "verletzt sich selbst", "selbst verletz*", "selbstverletz*", "sterben will", "will sterben", "möchte sterben", "springen will", "keinen ausweg", "sich töten", "sich toeten", "schluss machen mit allem", "tabletten genommen", "tabletten geschluckt",
        ],
        with_a_child: &[],
        example: "she says she will end her life", counterexample: "an insurance for life",
    },
    TextRule {
        signal: Signal::Abuse, source: NCMEC,
        patterns: &["it happened again", "happened again", "ist wieder passiert", "wieder passiert", "punish*", "bestraf*", "hear her cry", "hear him cry", "makes her", "makes him", "vermittle sie", "vermittelt sie", "an andere männer", "other men", "an fremde", "übergriff*", "uebergriff*", "missbraucht*", "mißbrauch*", "vergreift sich", "inappropriately touch*", "touch* inappropriately", 
            "abuse her", "abuses her", "abuse him", "abuses him", "abusing her", "abusing him", "abused her", "abused him", "abuses .. daughter", "abuses .. son", "abuses .. child*", "abusing .. daughter", "abusing .. son", "abusing .. child*", "abusing .. girl", "abusing .. boy", "being abused", "is abused", "is still abused", "sexually abuse*", "sexual abuse by", "sexual abuse of .. daughter", "sexual abuse of .. son", "raped", "rapes", "raping",
            "molest*", "touches her", "touches him", "touching her", "touching him", "touched her", "touched him", "touching .. child*", "touching .. girl", "touching .. boy", "beaten", "beats her", "beats him", "locked in", "locks her", "locks him", "hands on", "hands-on", "misbraucht", "missbraucht", "mißbraucht", "vergewaltig*", "fasst sie an", "fasst ihn an",
            "angefasst", "anfasst", "begrapsch*", "schlägt sie", "schlägt ihn", "geschlagen", "eingesperrt", "sperrt sie ein", "sperrt ihn ein", "sexueller missbrauch durch",
        ],
        with_a_child: &["touch*", "molest*", "abuse*", "abusing", "rape*", "raping", "beat*", "hit*", "hurts", "hurting", "harms", "harming", "forces", "forced", "does things to", "does bad things", "does something to", "sleeps in .. bed", "in .. bed with", "assault*", "missbrauch", "missbrauche", "missbraucht*", "fasst .. an", "anfass*", "schlägt", "schlagen", "zwingt", "vergreift", "belästigt", "belaestigt", "tut .. weh", "im bett"],
        example: "she says that her uncle molests her", counterexample: "abuse of the report button",
    },
    TextRule {
        signal: Signal::Access, source: STANFORD,
        patterns: &["is .. father", "vater zweier kinder", "father of", "mother of", "vater von", "mutter von", "eigenen kinder", "alone with her", "alone with him", "alone with the child*", "alone with .. year", "allein mit", "allein mit ihr", "allein mit ihm", "partner works", "her boyfriend", "ihr freund", "gemeinsamen haushalt", "im haushalt", "same bedroom", "private bedroom", "own phone", "teaching assistant", "classroom assistant", "schulassistent*", "praktikant*", "vereinstrainer*", "club leader", "choir", "chorleiter*", "musiklehrer*", "fährt .. heim", "fährt .. nach hause", "drives .. home", "neighbour*", "neighbor*", "nachbar*", "partner*", "mitbewohner*", "roommate*", "cousin of", "big brother", "older brother", "großer bruder", "babysitting", "her stepdad", "his stepdad", "dance teacher", "piano teacher", "swim* coach", "reitlehrer*", "schwimmtrainer*", "schulbegleiter*", "hausmeister*", "busfahrer*", "bus driver*", "taxifahrer*", "fostered", "haushalt", "household", "at home with", "zu hause mit", 
            "his daughter*", "her daughter*", "his son", "her son", "his stepdaughter*", "her stepson", "his stepson", "own child*", "own daughter*", "own son", "own kid*", "his kid*", "her kid*", "his child*", "her children", "his niece*", "his nephew*", "his granddaughter*", "his grandson*", "lives with", "living with", "lives in the house", "same house", "shares a room", "babysit*", "nanny",
            "childminder*", "foster*", "stepfather", "stepdad", "step father", "step-father", "stepmother", "uncle", "grandfather", "grandpa", "her father", "his father", "her dad", "her mother's boyfriend", "mom's boyfriend", "mum's boyfriend", "mother's boyfriend", "coach", "coaches", "trainer", "teacher", "teaches", "tutor", "scout leader", "youth group*", "youth worker", "kindergarten*", "daycare", "day care", "works at .. school", "works in .. school", "works with children",
            "volunteers", "priest", "pastor", "in his care", "in her care", "seine tochter", "seiner tochter", "ihre tochter", "seinen sohn", "seinem sohn", "seine stieftochter", "seiner stieftochter", "seine nichte", "seiner nichte", "seine enkel*", "seiner enkel*", "eigene tochter", "eigenen tochter", "eigene kind*",
            "eigenen kind*", "seine kinder", "seinen kindern", "seiner kinder", "stiefvater", "stiefvaters", "onkel", "opa", "großvater", "grossvater", "ihr vater", "sein vater", "wohnt bei", "lebt bei", "wohnt mit", "lebt mit", "im selben haus", "im gleichen haus", "pflegekind*", "pflegevater", "pflegefamilie", "tagesmutter", "tagesvater", "betreuer*", "erzieher*", "trainer*",
            "lehrer*", "nachhilfe*", "fußballtrainer", "fussballtrainer", "jugendgruppe*", "pfarrer", "lebensgefährte der mutter", "freund der mutter", "neuer freund der mutter", "babysitter*", "aufpassen auf",
        ],
        with_a_child: &["lives", "living", "stays with", "wohnt", "lebt", "takes care", "look after", "looks after", "in charge of", "class", "passt auf", "betreut", "unterrichtet", "trainiert", "kümmert"],
        example: "the suspect is her football coach", counterexample: "the train to Bonn",
    },
    TextRule {
        signal: Signal::Live, source: FATF,
        patterns: &["show kinder", "kids show", "video call with her", "video call with his", "offers a video call", "videoanruf mit", "videocall mit", "private show*", "shows", "live-übertragung*", "liveübertragung*", "live uebertragung*", "broadcast*", "streaming", "stream", "streams", "live video", "live room", "liveraum", "live-chat", "live stream*", "livestream*", "live-stream*", "live show*", "live abuse*", "live on", "goes live", "going live", "is live", "live broadcast*", "webcam show*", "cam show*", "on camera now", "on webcam", "live übertrag*", "live uebertrag*", "live vor der kamera", "streamt", "im stream", "im livestream", "live gesendet", "per webcam"],
        with_a_child: &[],
        example: "a livestream is running", counterexample: "they live in Bonn",
    },
    TextRule {
        signal: Signal::Blackmail, source: "NCMEC, sextortion reports 2023 to 2025",
        patterns: &["sending them to", "sendet sie an", "sends them to", "send .. to everyone", "everyone at school", "whole school", "ganze schule", "mit nem nacktbild", "will paysafe", "codes", "paysafe codes", "hat schon .. bekommen", "got .. already", "already paid", "schon gezahlt", "bereits gezahlt", "made her pay", "made him pay", "leak*", "expose her", "expose him", "post them", "post it", "post her", "post his", "screenshots", "screenshot", "send em to", "send them to", "show everyone", "ruin her", "ruin his", "ruin my", "steam card*", "paysafe*", "gift cards", "amazon card*", "amazon-gutschein*", "verbreitet sonst", "veröffentlicht sonst", "öffentlich macht", "öffentlich machen", "bloßstell*", "druckmittel", "unter druck", "setzt .. unter druck", "fordert geld", "verlangt geld", "will geld", "wants money", "demands money", "demanding money", "asks for money or", "zahlt oder", "zahlen oder", "pay him or", "drohen", "bedroh*", "threatened her", "threatened him", "threatening her", "threatening him", "threatens her", "threatens him", 
            "blackmail*", "extort*", "sextort*", "pay or", "or i post", "or i will post", "or i'll post", "or i send", "or i will send", "or i'll send", "or he posts", "or he sends", "or he will", "or they will send", "or she will send", "threat* to post", "threat* to send", "threat* to share", "threat* to publish", "threat* to leak", "threat* to show", "threat* to expose", "threat* to upload", "threat* to forward", "threat* .. pictures", "threat* .. photos", "threat* .. pics", "threat* .. images", "threat* .. video*",
            "unless she pays", "unless he pays", "unless she send*", "unless he send*", "unless i", "unless they pay", "send it to everyone", "send .. to .. school", "send .. to .. parents", "send .. to .. friends", "send .. to .. family", "more pictures or", "more pics or", "more photos or", "gift card*", "erpress*", "droht .. bilder", "droht .. fotos", "droht .. video*", "droht .. veröffentlich*", "droht .. zu schicken", "droht .. schicken",
            "droht .. posten", "droht .. verschick*", "droht .. weiter*", "drohung*", "sonst schick*", "sonst veröffentlich*", "sonst post*", "sonst stell*", "sonst zeig*", "sonst lad*", "wenn sie nicht zahlt", "wenn er nicht zahlt", "wenn nicht gezahlt", "nicht bezahlt", "zahlt sie nicht", "zahlt er nicht", "mehr bilder oder", "gutscheinkarte*", "guthabenkarte*", "an alle schicken", "an die schule schick*", "an ihre freunde", "an seine freunde", "an die eltern",
        ],
        with_a_child: &[],
        example: "he threatens to post the pictures", counterexample: "pay by card",
    },
    TextRule {
        signal: Signal::Grooming, source: STANFORD,
        patterns: &["secrecy", "asks for secrecy", "images", "game currency", "spielwährung", "offers .. currency", "messaging one of", "sexual questions", "delete the conversation", "conversation deleted", "schickt geschenke", "kamera anmacht", "schulnamen", "school name", "self-declared", "möchte ihre", "adult man", "erwachsener schreibt", "older man", "älterer mann", "aelterer mann", "grown man", "22-jähriger freund", "loverboy*", "keeps asking", "keeps askin", "askin", "asking for pics", "for pics", "for a pic", "for pictures", "send pics", "send a pic", "send me a", "snd", "sag .. nichts", "sag niemand*", "sagt .. nichts", "delete the chat", "delete our chat", "delete the messages", "chat löschen", "chat gelöscht", "nachrichten löschen", "mature for", "reif für", "so reif", "nennt sie seine freundin", "calls her his girlfriend", "calls him his boyfriend", "seine freundin", "be my girlfriend", "girlfriend", "liebt sie", "loves her", "in love with", "verliebt", "geschenk*", "teure sachen", "teure geschenke", "expensive gift*", "gives her", "gives him", "buys her", "buys him", "kauft ihr", "kauft ihm", "schenkt ihr", "schenkt ihm", "coins", "skins", "robux", "v-bucks", "how old are you", "wie alt bist du", "alone in your room", "home alone", "allein zuhause", "allein zu hause", "bist du allein", "are you alone", "intime*", "intimate*", "inappropriate message*", "inappropriate", "anzüglich*", "unangemessen*", "schickt .. bilder von sich", "cam on", "kamera an", "mach die cam", "turn on your cam", 
            "groom*", "ask* .. pictures", "ask* .. pics", "ask* .. photos", "ask* .. nudes", "ask* .. images", "ask* .. video*", "ask* .. selfies", "ask* to undress", "ask* her to", "ask* him to", "want* .. nudes", "want* .. pictures", "want* .. photos", "want* .. pics", "send* nudes", "send nudes", "send me .. pic*", "send me .. photo*", "nude pic*", "naked pic*", "nudes", "undress*", "take off",
            "sexual message*", "sexual messages", "sexual chat*", "sexual question*", "sexually explicit", "explicit message*", "explicit picture*", "explicit photo*", "keep .. secret", "our secret", "don't tell", "dont tell", "do not tell", "not to tell", "never tell", "tell nobody", "tell no one", "flirt*", "boyfriend online", "writes to my", "writes my", "writing to my", "messages my", "messaging my", "contacts my", "contacted my", "chats with my", "chatting with my", "chatting with .. child*", "chatting with .. girl*", "chatting with .. boy*", "contact with .. girl", "contact with .. boy", "contact with .. child", "contact to .. child", "talks to .. child*", "talking to .. child*", "cybergroom*", "nacktbild*", "nacktfoto*", "nacktvideo*", "ausziehen", "auszuziehen", "zieh dich aus", "bilder von ihr", "bilder von ihm", "bilder von sich", "fotos von sich", "fotos von ihr", "fotos von ihm", "fragt .. bild*", "fragt .. foto*", "fragt .. nackt*", "fordert .. bild*", "fordert .. foto*", "fordert .. video*", "verlangt .. bild*",
            "verlangt .. foto*", "verlangt .. video*", "will .. bilder", "will .. fotos", "bittet .. bild*", "bittet .. foto*", "sexuelle nachricht*", "sexuelle fragen", "sexuelle chats", "sexuell* .. nachricht*", "schreibt .. sexuell*", "geheim", "geheimnis", "niemandem sagen", "niemandem erzählen", "niemandem was", "nichts sagen", "nicht weitersagen", "schreibt meiner", "schreibt meinem", "schreibt mit meiner", "schreibt mit meinem", "schreibt einem kind", "schreibt einer", "chattet mit", "kontakt zu .. kind*", "kontakt zu .. mädchen", "kontakt zu .. jungen", "kontakt mit .. kind*", "kontakt mit .. mädchen", "kontakt mit .. jungen", "schreibt kinder an", "schreibt mädchen an", "schreibt jungen an",
        ],
        with_a_child: &["asks", "asked", "wants", "chats", "chatting", "chatted", "messages", "messaging", "writes", "writing", "contacted", "contacts", "contact", "talks", "talking", "befriend*", "gifts", "compliment*", "fragt", "schreibt", "schrieb", "chattet", "kontakt", "kontaktiert", "angeschrieben", "spricht", "geschenke", "redet"],
        example: "he asks my 12 year old for pictures", counterexample: "ask the office for a form",
    },
    TextRule {
        signal: Signal::Payment, source: FATF,
        patterns: &["names a price", "nennt einen preis", "kleinbeträge", "small amounts", "überwies", "verwendungszweck*", "payment reference*", "remitt*", "gcash", "moneygram", "deposit", "anzahlung", "charges", "price for", "preis für", "amounts sent", "transfers", "paid .. for", "pays .. for", "paying for", "payment for", "payments for", "pay for a show", "pay per show", "in advance", "money for", "order* .. show*", "transferred .. euro*", "transferred .. money", "send* money", "sent money", "paypal", "western union", "remittance*", "bitcoin", "bezahlt", "zahlt .. für", "zahlte .. für", "zahlung für", "zahlungen für", "geld für", "geld für bilder", "im voraus", "vorauszahlung*", "vorkasse", "bestellt .. show*", "überwies*", "überweis*", "geld überwiesen", "geld geschickt"],
        with_a_child: &["paid", "pays", "money", "euros", "euro", "dollars", "geld", "zahlt", "zahlte"],
        example: "he paid 50 euros for a show", counterexample: "pay attention",
    },
    TextRule {
        signal: Signal::Escalation, source: STANFORD,
        patterns: &["moved to whatsapp", "moved to telegram", "moved to signal", "moved to snapchat", "moved to discord", "move to whatsapp", "move to telegram", "move to signal", "move to snapchat", "move to discord", "switch* to whatsapp", "switch* to telegram", "switch* to signal", "switch* to another", "another app", "other app", "private chat", "video call*", "videocall*", "getting worse", "more and more", "every day now", "every night", "more often", "knows where", "knows her address", "knows his address", "knows her school", "knows his school", "knows which school", "has her address", "has his address", "where she lives", "where he lives", "her home address", "zu whatsapp", "zu telegram", "zu signal", "zu snapchat", "zu discord", "auf whatsapp", "auf telegram", "auf snapchat", "anderer app", "andere app", "privaten chat", "videoanruf*", "videochat*", "wird schlimmer", "immer schlimmer", "immer öfter", "jeden tag", "jede nacht", "weiß wo", "weiss wo", "kennt ihre adresse", "kennt die adresse", "kennt ihre schule", "kennt die schule", "adresse von ihr", "wo sie wohnt", "wo er wohnt"],
        with_a_child: &[],
        example: "they moved to Telegram", counterexample: "a telegram from 1912",
    },
    TextRule {
        signal: Signal::Trafficking, source: NCMEC,
        patterns: &["offers a video call with", "vermittle sie an", "vermittelt sie an", "behält das geld", "behalte das geld", "keeps the money", "host family", "deposit already", "anzahlung für", "loverboy*", "im netz angeboten", "wird angeboten", "is offered", "being offered", "traffick*", "sold her", "sells .. daughter", "sells .. child*", "selling .. girl*", "selling .. child*", "rents .. out", "rent* her", "pimp*", "prostitut*", "forced to work", "for sale", "offers .. daughter", "offers .. child", "offers .. girl", "offers .. boy", "offering .. daughter", "offering .. child", "offering .. girl*", "offering .. boy*", "menschenhandel*", "verkauft .. tochter", "verkauft .. kind", "zuhälter*", "zuhaelter*", "zwangsprostitution*", "anschaffen", "bietet .. tochter", "bietet .. kind", "bietet .. mädchen", "bietet .. jungen", "vermietet .. kind", "vermietet .. tochter"],
        with_a_child: &["sold", "rents", "vermietet", "escort", "sell her", "sells her", "sells him"],
        example: "he offers his daughter to others", counterexample: "the house has a garden",
    },
    TextRule {
        signal: Signal::Production, source: STANFORD,
        patterns: &["previously unseen", "have not been seen", "not been seen", "not seen before", "nobody has seen", "do not match", "does not match", "not match any", "in keiner datenbank", "keiner datenbank", "nicht in der datenbank", "noch nie gesehen", "nicht in der hashliste", "neu, nicht", "exif", "not in any", "not on any list", "on no list", "no match in", "no hash match", "unknown material", "unknown file*", "unknown video*", "unknown picture*", "unknown image*", "origin unknown", "not known", "noch nicht bekannt", "nicht bekannt", "auf keiner liste", "keine liste", "keinem hash", "kein hash-treffer", "unbekannte datei*", "unbekannte bild*", "unbekannte video*", "unbekanntes material", "neue datei*", "neue bilder", "neue videos", "laufend neues", "new files", "new pictures", "new videos", "new content", "seems new", "appears new", "looks new", "wirkt neu", "scheint neu", "selbst hergestellt", "herstellt", "hergestellt", "produziert", "produced", "films her", "films him", "filmed her", "filmed him", "filming her", "filming him", "films .. child*", "filmed .. child*", "films .. girl*", "filmed .. girl*", "took pictures of", "took photos of", "took videos of", "takes pictures of", "takes photos of", "taking pictures of", "taking photos of", "pictures he took", "photos he took", "pictures of his", "photos of his", "videos of his", "pictures of her own", "made the video*", "made videos of", "makes videos of", "made by himself", "hidden camera*", "home made", "homemade", "new material", "newly made", "freshly made", "never seen before", "own production", "producing", "filmt sie", "filmt ihn", "filmte", "gefilmt", "fotografiert sie", "fotografiert ihn", "fotografierte", "fotos gemacht von", "macht fotos von", "machte fotos", "macht bilder von", "bilder gemacht von", "versteckte kamera*", "versteckter kamera", "heimlich", "selbst gedreht", "neues material", "neu erstellt", "bilder seiner", "fotos seiner", "videos seiner"],
        with_a_child: &["film*", "photo*", "picture*", "pics", "record*", "videos of", "video of", "fotografier*", "fotos", "bilder", "videos von", "aufnahme*", "aufgenommen"],
        example: "he took pictures of his niece", counterexample: "a film about bees",
    },
    TextRule {
        signal: Signal::Missing, source: NCMEC,
        patterns: &["missing", "not back since", "nicht zurück", "abgängig", "is gone since", "has been gone", "ran away", "run away", "runaway", "abduct*", "kidnap*", "did not come home", "didn't come home", "never came home", "not come home", "cannot be found", "can't find her", "can't find him", "vermisst*", "verschwunden", "weggelaufen", "ausgerissen", "abgehauen", "entführt", "entfuehrt", "nicht nach hause gekommen", "nicht heimgekommen", "nicht mehr auffindbar"],
        with_a_child: &[],
        example: "the girl has been missing since noon", counterexample: "a page was found",
    },
    TextRule {
        signal: Signal::Threat, source: NCMEC,
        patterns: &["verletzen", "messer", "knife", "pistole", "waffe", "weapon", "schießen", "umbringen will", "will .. verletzen", "hurt .. if", "hurts .. if", "punishment to", "auflauern", "auflauert", "lie in wait", "hurt .. unless", "beat .. up", "threat* to kill", "threat* to hurt", "threat* to harm", "going to hurt her", "going to hurt him", "will hurt her", "will hurt him", "going to kill", "will kill her", "will kill him", "going to abuse", "will abuse", "going to rape", "will rape", "plans to abuse", "plans to rape", "planning to abuse", "plan* to kidnap", "wants to hurt", "wants to abuse", "wants to rape", "droht .. umzubringen", "droht .. zu töten", "droht .. anzutun", "droht .. weh", "wird sie töten", "bringe sie um", "bringe ihn um", "will ihr etwas antun", "will ihm etwas antun", "will sie missbrauchen", "will ihn missbrauchen", "plant .. missbrauch*", "plant .. zu missbrauchen"],
        with_a_child: &[],
        example: "he threatens to hurt her", counterexample: "a threat to the network",
    },
    TextRule {
        signal: Signal::Collection, source: STANFORD,
        patterns: &["buys .. from", "purchase*", "bought from", "bought .. times", "bought access", "gekauft .. von", "kauft .. von", "käufe", "verkäufer*", "seller*", "customer of", "kunde kauft", "subscribed to .. site", "abo bei", "download* .. gb", "large amounts", "große mengen", "grosse mengen", "viele aufnahmen", "sehr viele", "many images", "many videos", "over .. files", "about .. files", "around .. files", "roughly .. files", "mehrere hundert", "mehrere tausend", "several hundred", "several thousand", "hundred files", "tausend dateien", "neues konto angelegt", "new account* every", "created .. new account", "opened .. account* again", "immer neue konten", "page with links", "list of links", "linkliste", "linksammlung", "passwörter", "passwords", "vollzugang", "tauschb*", "zugänge", "zugaenge", "access to", "packs", "pack of", "bundle*", "videos for", "files for", "verkaufe", "kaufe", "admin of", "moderat* .. tausch*", "laden .. hoch", "lädt .. hoch", "laedt .. hoch", "uploads .. every", "massenhaft", "large number", "great number", "große menge", "grosse menge", "menge an", "gb of", "tb of", "gigabyte", "terabyte", "festplatte* voll", "hard drive* full", "marketplace", "telegram group", "telegram-gruppe", "telegram channel", "telegram-kanal", "discord server", "kanal mit", "wieder ein neues konto", "new account* again", "keeps coming back", "third time", "4th time", "fifth account", "drittes konto", "viertes konto", "konten gesperrt", "accounts banned", "accounts closed", "banned .. times", "gesperrt .. mal", "mehrfach gesperrt", "again and again", "immer wieder", "collection*", "collector*", "collects", "trades", "trading", "trade", "swap*", "thousands of", "hundreds of", "terabyte*", "gigabyte*", "folders of", "a folder of", "many files", "lots of files", "sells videos", "sells pictures", "selling videos", "selling pictures", "sells access", "selling access", "buy .. video*", "buy .. picture*", "dropbox link*", "mega link*", "link list", "shares links", "sharing links", "distribut*", "group with .. members", "archive of", "repeat uploader", "uploads again", "uploaded again", "re-uploads", "reuploads", "sammlung*", "sammelt", "sammler*", "tauscht", "tausch", "tauschen", "tauschbörse*", "tausende", "hunderte", "viele dateien", "ordner mit", "verkauft videos", "verkauft bilder", "verkauft zugang", "verkauft dateien", "verbreit*", "gruppe mit", "verteilt", "lädt immer wieder", "wieder hochgeladen"],
        with_a_child: &["files", "dateien", "aufnahmen", "ordner", "gekauft", "kauft", "bought", "buys", "link", "links", "forum", "gruppe"],
        example: "he trades files from a large collection", counterexample: "the collective agreement",
    },
    TextRule {
        signal: Signal::Trade, source: STANFORD,
        patterns: &["trades", "trading", "trader*", "swap*", "swapping", "collector*", "collection*", "wants same", "offers .. gb", "offers .. tb", "gb of", "tb of", "tausch*", "getauscht", "sammler*", "sammlung*", "sammelt", "bundles", "big packs", "packs", "material of", "material von", "hat material", "has material", "more material", "mehr material", "neues material", "exchange of files", "exchange files", "share .. folder*", "encrypted archive*", "verschlüsselte archive", "younger ones", "jüngere", "jüngeren", "small ones", "kleine mädchen bilder"],
        with_a_child: &["share", "shares", "sharing", "teilt", "verteilt", "archive*", "archiv*", "ordner*", "folder*", "festplatte*", "platte", "drive", "laptop"],
        example: "the user trades files", counterexample: "a traditional song",
    },
    TextRule {
        signal: Signal::Posing, source: OURS,
        patterns: &["grown man", "grown up man", "adult man", "erwachsener mann", "says 13", "says 12", "says 14", "but it's a man", "in wahrheit", "in truth", "voice of a man", "männerstimme", "actually an adult", "actually a man", "eigentlich erwachsen", "tatsächlich erwachsen*", "obviously an adult", "offensichtlich erwachsen*", "lies about .. age", "lügt .. alter", "pretend* to be", "poses as", "posing as", "posed as", "claims to be .. year*", "fake profile*", "fake account*", "catfish*", "gibt sich als", "gab sich als", "gibt vor", "falsches profil", "fake-profil", "fakeprofil*"],
        with_a_child: &[],
        example: "a man poses as a girl", counterexample: "pose a question",
    },
    TextRule {
        signal: Signal::Search, source: OURS,
        patterns: &["under 14s", "under 16s", "u14", "u16", "looking for .. under", "looking for .. young", "who has", "who got", "wer hat", "sucht öffentlich", "sucht nach", "ungefragt mädchen", "fragt nach ihrem alter", "asks .. how old", "profiles that present as underage", "large number of profiles", "many profiles", "viele profile", "empfängerinnen", "recipients not identified", "where he can find", "where to find minors", "places where", "wo er .. findet", "any age", "no one checks age", "under 18", "u18", "unter 18", "unter 14", "meets minors", "trifft minderjährige", "underage", "contact* .. kids", "contact* .. minors", "adds .. kids", "adds .. minors", "writes to kids", "writes to minors", "schreibt wahllos", "wahllos", "randomly", "lots of kids", "lots of minors", "lots of girls", "dozens of", "dutzende", "looking for girls", "looking for boys", "looking for kids", "looking for children", "looking for young*", "looking for underage*", "looking for minors", "looking for teens", "seeks girls", "seeks boys", "seeks minors", "search* for minors", "searching for girls", "searching for boys", "any .. moms", "any parents", "wants to see kids", "asks for material", "asks for cp", "asking for material", "request* material", "likes young", "into young", "attracted to", "sucht mädchen", "sucht jungen", "sucht kinder", "sucht junge", "sucht minderjährige", "sucht material", "fragt nach material", "bittet um material", "steht auf", "contacts many", "contacts several", "many girls", "several girls", "many boys", "several boys", "many minors", "several minors", "many children", "several children", "mehrere mädchen", "viele mädchen", "mehrere kinder", "viele kinder", "mehrere jungen", "viele jungen", "mehrere minderjährige", "viele minderjährige"],
        with_a_child: &["sucht", "seeks", "looking"],
        example: "he is looking for girls", counterexample: "looking for the key",
    },
    TextRule {
        signal: Signal::SelfMade, source: NCMEC,
        patterns: &["took .. herself", "took .. himself", "of herself", "of himself", "pictures of myself", "self-generated", "self generated", "selfie*", "she sent him", "he sent him", "sent him pictures", "sent him photos", "sent her pictures", "sent pictures of", "sent photos of", "sent nudes", "von sich selbst", "selbst aufgenommen", "selbst gemacht*", "selbstgemacht*", "bilder geschickt", "fotos geschickt", "bild geschickt", "foto geschickt"],
        with_a_child: &["sent", "schickt", "schickte", "geschickt"],
        example: "the girl sent pictures of herself", counterexample: "speaking of the weather",
    },
    TextRule {
        signal: Signal::Known, source: OURS,
        patterns: &["bereits erfasst", "already listed", "on the list", "listed by hash", "listed", "gelistet", "stimmt mit", "überein", "datenbank", "database", "hotline .. gemeldet", "schon einmal gemeldet", "schon mal gemeldet", "reported before", "removed before", "taken down", "erkannt", "identified", "identifiziert*", "kategorie", "category assigned", "routine scan", "retroactive scan", "previously identified", "photodna", "pdq", "md5", "sha1", "sha256", "hash", "hashes", "hit", "hits", "known", "already known", "bekannt", "bekannte", "bekannten", "bekanntes", "missbrauchsbild*", "missbrauchsmaterial*", "missbrauchsvideo*", "missbrauchsdatei*", "missbrauchsinhalt*", "kinderporno*", "abuse file*", "abuse image*", "abuse picture*", "abuse video*", "abuse content", "wieder hochgeladen", "erneut hochgeladen", "uploaded again", "old file*", "alte datei*", "hash match*", "hash hit*", "hash-match*", "hash-treffer*", "hashtreffer*", "known material", "known image*", "known picture*", "known file*", "known video*", "known hash*", "known series", "matched", "a match", "list match*", "listentreffer*", "bekanntes material", "bekannte datei*", "bekanntes bild", "bekannte bild*", "bekanntes video", "bekannte serie", "treffer", "already reported", "previously reported", "bereits gemeldet", "re-upload*", "reupload*", "old upload*", "alter upload", "csam", "csem", "cp", "missbrauchsdarstellung*", "missbrauchsabbildung*", "kinderpornograf*", "kinderpornograph*", "kipo"],
        with_a_child: &[],
        example: "a hash match of a known file", counterexample: "the weather is fine",
    },
];

/// Names of the material, longest first: a picture of abuse is not abuse, and its name is no child.
const MATERIAL: &[&str] = &[
    "child sexual abuse materials",
    "child sexual abuse material",
    "child sexual abuse images",
    "child sexual abuse image",
    "child abuse materials",
    "child abuse material",
    "child abuse pictures",
    "child abuse picture",
    "child abuse images",
    "child abuse image",
    "child abuse videos",
    "child abuse video",
    "child exploitation material",
    "child pornography",
    "child porn",
    "sexual abuse material",
    "abuse material",
];

/// Words that take a pattern back when they stand shortly before it.
const NEGATIONS: &[&str] = &[
    "no",
    "not",
    "never",
    "without",
    "isn't",
    "isnt",
    "doesn't",
    "doesnt",
    "didn't",
    "didnt",
    "don't",
    "dont",
    "wasn't",
    "won't",
    "neither",
    "nor",
    "none",
    "nobody",
    "kein",
    "keine",
    "keinen",
    "keinem",
    "keiner",
    "keinerlei",
    "nicht",
    "nie",
    "niemals",
    "ohne",
    "niemand",
];

/// What the texts of a report say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signals {
    bits: u32,
    /// The youngest age of a child that is named, in years.
    pub youngest: Option<u8>,
}

impl Signals {
    /// Of all texts of a case.
    pub fn of(facts: &Facts) -> Self {
        let mut signals = Self::default();
        let mut left = CHARS_MAX;
        for text in texts(facts) {
            let text: String = text.chars().take(left).collect();
            left -= text.chars().count();
            signals.read(&text);
            if left == 0 {
                break;
            }
        }
        for child in &facts.victims {
            let age = child.person.as_ref().and_then(|p| p.age);
            signals.age(age.and_then(|a| u8::try_from(a).ok()));
        }
        signals
    }

    /// Of one text.
    pub fn of_text(text: &str) -> Self {
        let mut signals = Self::default();
        signals.read(text);
        signals
    }

    /// True if the texts say so.
    pub fn has(self, signal: Signal) -> bool {
        self.bits & bit(signal) != 0
    }

    fn read(&mut self, text: &str) {
        let mut plain = normal(text);
        for name in MATERIAL {
            if plain.contains(name) {
                plain = plain.replace(name, " csam ");
            }
        }
        let mut asked = false;
        for sentence in plain.split(['.', '!', '?', '\n', ';', '|']) {
            let words: Vec<&str> = sentence
                .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                .filter(|w| !w.is_empty())
                .collect();
            let (strong, weak) = found(&words);
            let age = age_of(&words).or_else(|| asked.then(|| answered_age(&words)).flatten());
            let child = age.is_some() || strong & bit(Signal::Child) != 0;
            self.bits |= strong;
            if child {
                self.bits |= weak;
            }
            self.age(age);
            asked = words
                .windows(2)
                .any(|w| matches!(w, ["how", "old"] | ["wie", "alt"]));
        }
    }

    fn age(&mut self, age: Option<u8>) {
        if let Some(age) = age.filter(|a| *a < 18) {
            self.bits |= bit(Signal::Child);
            self.youngest = Some(self.youngest.map_or(age, |y| y.min(age)));
        }
    }
}

fn bit(signal: Signal) -> u32 {
    1 << signal as u32
}

/// Lower case, umlauts written out, without apostrophes: as people write who are in a hurry.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => out += "ae",
            'ö' => out += "oe",
            'ü' => out += "ue",
            'ß' => out += "ss",
            '\'' | '’' | '`' => {}
            c => out.push(c),
        }
    }
    out
}

/// A word of a pattern.
enum Part {
    Word(String),
    Prefix(String),
    Gap,
}

struct Pattern {
    parts: Vec<Part>,
    signal: Signal,
    with_a_child: bool,
}

/// The patterns of every rule, by the first two letters of their first word.
fn patterns() -> &'static HashMap<[u8; 2], Vec<Pattern>> {
    static PATTERNS: OnceLock<HashMap<[u8; 2], Vec<Pattern>>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let mut all: HashMap<_, Vec<Pattern>> = HashMap::new();
        for rule in TEXT_RULES {
            let strong = rule.patterns.iter().map(|p| (p, false));
            let weak = rule.with_a_child.iter().map(|p| (p, true));
            for (text, with_a_child) in strong.chain(weak) {
                let text = normal(text);
                let parts: Vec<Part> = text.split(' ').map(part).collect();
                let (Part::Word(first) | Part::Prefix(first)) = &parts[0] else {
                    unreachable!("a test sees that no pattern begins with a gap")
                };
                all.entry(key(first)).or_default().push(Pattern {
                    parts,
                    signal: rule.signal,
                    with_a_child,
                });
            }
        }
        all
    })
}

fn part(text: &str) -> Part {
    match text.strip_suffix('*') {
        _ if text == ".." => Part::Gap,
        Some(prefix) => Part::Prefix(prefix.to_owned()),
        None => Part::Word(text.to_owned()),
    }
}

fn key(word: &str) -> [u8; 2] {
    let bytes = word.as_bytes();
    [
        bytes.first().copied().unwrap_or(0),
        bytes.get(1).copied().unwrap_or(0),
    ]
}

/// The signals of a sentence: those that count in any case, and those that count where a child is spoken of.
fn found(words: &[&str]) -> (u32, u32) {
    let (mut strong, mut weak) = (0, 0);
    for at in 0..words.len() {
        let Some(candidates) = patterns().get(&key(words[at])) else {
            continue;
        };
        let negated = words[at.saturating_sub(NEGATION_WORDS)..at]
            .iter()
            .any(|w| NEGATIONS.contains(w));
        if negated || is_denied(&words[at + 1..]) {
            continue;
        }
        for pattern in candidates {
            let into = match pattern.with_a_child {
                true => &mut weak,
                false => &mut strong,
            };
            if *into & bit(pattern.signal) == 0 && matches_from(&pattern.parts, &words[at..]) {
                *into |= bit(pattern.signal);
            }
        }
    }
    (strong, weak)
}

/// "… is not known", "… nicht erkennbar": what stands before is denied.
fn is_denied(after: &[&str]) -> bool {
    const DENIED: &[&str] = &[
        "known",
        "planned",
        "visible",
        "apparent",
        "recognisable",
        "involved",
        "suspected",
        "bekannt",
        "geplant",
        "erkennbar",
        "ersichtlich",
        "beteiligt",
        "vorhanden",
        "gegeben",
    ];
    let near = &after[..after.len().min(NEGATION_WORDS + 1)];
    near.windows(2).any(|w| {
        matches!(w[0], "not" | "nicht" | "isnt" | "arent" | "wasnt") && DENIED.contains(&w[1])
    })
}

fn matches_from(parts: &[Part], words: &[&str]) -> bool {
    match parts.split_first() {
        None => true,
        Some((Part::Gap, rest)) => {
            (0..=GAP_WORDS_MAX.min(words.len())).any(|skip| matches_from(rest, &words[skip..]))
        }
        Some((part, rest)) => words.split_first().is_some_and(|(word, after)| {
            let fits = match part {
                Part::Prefix(prefix) => word.starts_with(prefix.as_str()),
                Part::Word(plain) => word == plain,
                Part::Gap => unreachable!("matched above"),
            };
            fits && matches_from(rest, after)
        }),
    }
}

/// Every text of a case.
fn texts(facts: &Facts) -> impl Iterator<Item = &str> {
    let accounts = facts
        .reported
        .iter()
        .chain(&facts.also_reported)
        .chain(&facts.recipients)
        .chain(&facts.victims);
    let messages = facts.threads.iter().flat_map(|t| &t.messages);
    facts
        .urgent_because
        .as_deref()
        .into_iter()
        .chain(facts.note.as_deref())
        .chain(facts.occurred_at_note.as_deref())
        .chain(messages.map(|m: &Message| m.text.as_str()))
        .chain(facts.places.iter().filter_map(|p| p.content()))
        .chain(facts.places.iter().filter_map(|p| p.note()))
        .chain(accounts.filter_map(|a| a.note.as_deref()))
        .chain(facts.payments.iter().filter_map(|p| p.note.as_deref()))
        .chain(facts.files.values().filter_map(|f| f.note.as_deref()))
}

/// The age of a child that a sentence names, in years.
fn age_of(words: &[&str]) -> Option<u8> {
    let ages = (0..words.len()).filter_map(|at| age_at(words, at));
    ages.filter(|years| *years < 18).min()
}

/// The answer to "how old are you": a number and hardly anything else.
fn answered_age(words: &[&str]) -> Option<u8> {
    let numbers = words.iter().filter_map(|w| w.parse::<u8>().ok());
    let numbers: Vec<u8> = numbers.filter(|n| (5..18).contains(n)).collect();
    match numbers[..] {
        [age] if words.len() <= 4 => Some(age),
        _ => None,
    }
}

/// A number in words with its digits: `four-year-old`, `zwoelfjaehrige`, `nine`.
fn spelled(word: &str) -> Option<String> {
    // Longest first, so that `sixteen` isn't `six`. "Eins" and "ein" are articles too often.
    const NUMBERS: &[(&str, u8)] = &[
        ("seventeen", 17),
        ("siebzehn", 17),
        ("sixteen", 16),
        ("sechzehn", 16),
        ("fuenfzehn", 15),
        ("fifteen", 15),
        ("fourteen", 14),
        ("vierzehn", 14),
        ("thirteen", 13),
        ("dreizehn", 13),
        ("twelve", 12),
        ("zwoelf", 12),
        ("eleven", 11),
        ("elf", 11),
        ("zehn", 10),
        ("ten", 10),
        ("nine", 9),
        ("neun", 9),
        ("eight", 8),
        ("acht", 8),
        ("seven", 7),
        ("sieben", 7),
        ("six", 6),
        ("sechs", 6),
        ("five", 5),
        ("fuenf", 5),
        ("four", 4),
        ("vier", 4),
        ("three", 3),
        ("drei", 3),
        ("two", 2),
        ("zwei", 2),
    ];
    const GRADES: &[(&str, u8)] = &[
        ("dritten", 3),
        ("vierten", 4),
        ("fuenften", 5),
        ("sechsten", 6),
        ("siebten", 7),
        ("achten", 8),
        ("neunten", 9),
        ("third", 3),
        ("fourth", 4),
        ("fifth", 5),
        ("sixth", 6),
        ("seventh", 7),
        ("eighth", 8),
        ("ninth", 9),
    ];
    if let Some((_, number)) = GRADES.iter().find(|(name, _)| *name == word) {
        return Some(number.to_string());
    }
    let (name, number) = NUMBERS.iter().find(|(name, _)| word.starts_with(name))?;
    let rest = &word[name.len()..];
    // "Often", "fourth", "weight": only a number, or a number and an age.
    let aged = [
        "",
        "-year-old",
        "-year",
        "-yr-old",
        "yearold",
        "-jaehrige",
        "-month-old",
    ];
    (aged.contains(&rest) || rest.starts_with("jaehr") || rest.starts_with("-jaehr"))
        .then(|| format!("{number}{rest}"))
}

fn age_at(words: &[&str], at: usize) -> Option<u8> {
    const AGED: &[&str] = &[
        "age", "aged", "alter", "about", "only", "is", "shes", "hes", "im", "i", "am", "bin",
        "ist", "erst", "gerade", "just", "turned", "almost", "fast", "ca", "circa", "for",
    ];
    const SOMEBODY: &[&str] = &[
        "she",
        "he",
        "shes",
        "hes",
        "er",
        "sie",
        "who",
        "die",
        "der",
        "girl",
        "boy",
        "child",
        "kid",
        "daughter",
        "son",
        "her",
        "him",
        "maedchen",
        "junge",
        "jungen",
        "kind",
        "tochter",
        "sohn",
        "schuelerin",
        "schueler",
        "ihn",
        "ihr",
        "cousin",
        "sister",
        "brother",
        "schwester",
        "bruder",
        "friend",
        "freundin",
        "freund",
        "niece",
        "nephew",
        "nichte",
        "neffe",
        "tomorrow",
        "today",
        "morgen",
        "heute",
        "m",
        "f",
        "w",
    ];
    const UNITS: &[&str] = &[
        "files",
        "file",
        "dateien",
        "datei",
        "pictures",
        "bilder",
        "pics",
        "fotos",
        "videos",
        "times",
        "mal",
        "euro",
        "euros",
        "eur",
        "usd",
        "dollars",
        "dollar",
        "days",
        "tage",
        "tagen",
        "hours",
        "stunden",
        "minutes",
        "minuten",
        "weeks",
        "wochen",
        "uhr",
        "pm",
        "am",
        "oclock",
        "percent",
        "prozent",
        "hits",
        "treffer",
        "accounts",
        "konten",
        "messages",
        "nachrichten",
        "people",
        "leute",
        "coins",
        "gb",
        "mb",
        "tb",
        "km",
        "uploads",
        "reports",
        "meldungen",
    ];
    let spelled = spelled(words[at]);
    let word = spelled.as_deref().unwrap_or(words[at]);
    let next = words.get(at + 1).copied().unwrap_or_default();
    let before = at.checked_sub(1).map_or("", |b| words[b]);
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let rest = word[digits.len()..].trim_start_matches('-');
    let number = digits.parse::<u8>().ok()?;
    let year = |w: &str| {
        w.starts_with("year")
            || w.starts_with("jaehr")
            || matches!(
                w,
                "yo" | "y" | "yrs" | "yr" | "jahre" | "jahren" | "j" | "jahr" | "yr-old" | "yos"
            )
    };
    let month = |w: &str| w.starts_with("month") || w.starts_with("monat");
    // "13f", "m14": as in profiles.
    if matches!(rest, "f" | "m" | "w") && (5..18).contains(&number) {
        return Some(number);
    }
    // "year 7", "7th grade", "5. Klasse": pupils are about five or six years older than their grade.
    let grade = matches!(before, "year" | "grade" | "klasse" | "jahrgang")
        || matches!(
            next,
            "klasse" | "klaessler" | "klaesslerin" | "grade" | "grader" | "klaessle"
        )
        || (matches!(rest, "th" | "st" | "nd" | "rd") && next.starts_with("grade"));
    if grade && (1..=10).contains(&number) {
        return Some(number + 5);
    }
    if year(rest) || (rest.is_empty() && year(next)) {
        return Some(number);
    }
    if month(rest) || (rest.is_empty() && month(next)) {
        return Some(number / 12);
    }
    let clock = matches!(
        before,
        "at" | "um"
            | "gegen"
            | "around"
            | "until"
            | "bis"
            | "ab"
            | "from"
            | "room"
            | "zimmer"
            | "page"
            | "seite"
            | "year"
            | "section"
    );
    if clock || !rest.is_empty() || UNITS.contains(&next) || !(4..18).contains(&number) {
        return None;
    }
    let somebody = words[at.saturating_sub(4)..at].iter().any(|w| {
        SOMEBODY.contains(w)
            || w.ends_with("kind")
            || w.ends_with("maedchen")
            || w.ends_with("tochter")
            || w.ends_with("sohn")
    });
    let siblings = matches!(next, "and" | "und")
        && words
            .get(at + 2)
            .is_some_and(|w| w.parse::<u8>().is_ok() || self::spelled(w).is_some());
    let aged = AGED.contains(&before) || (siblings && somebody);
    // "wants to meet her tomorrow, 12"; not "tomorrow at 12".
    let last = next.is_empty();
    ((aged && (last || somebody))
        || (somebody && last)
        || (somebody && matches!(before, "is" | "ist"))
        || words[..at].last().is_some_and(|w| {
            w.ends_with("kind")
                || SOMEBODY[10..].contains(w)
                    && !matches!(
                        *w,
                        "tomorrow" | "today" | "morgen" | "heute" | "m" | "f" | "w"
                    )
        }))
    .then_some(number)
}

/// Words of an urgent field that give no reason.
const EMPTY_WORDS: &[&str] = &[
    "urgent",
    "urgently",
    "urgency",
    "high",
    "highest",
    "priority",
    "please",
    "pls",
    "review",
    "asap",
    "csam",
    "csem",
    "automatic",
    "automatically",
    "auto",
    "auto-escalated",
    "auto-generated",
    "generated",
    "escalate",
    "escalated",
    "escalation",
    "see",
    "attached",
    "attachment",
    "n/a",
    "n",
    "a",
    "na",
    "none",
    "no",
    "yes",
    "true",
    "false",
    "report",
    "reported",
    "reporting",
    "immediate",
    "immediately",
    "attention",
    "action",
    "required",
    "needed",
    "of",
    "the",
    "this",
    "is",
    "an",
    "by",
    "our",
    "system",
    "policy",
    "per",
    "content",
    "flagged",
    "important",
    "critical",
    "asap",
    "default",
    "value",
    "level",
    "child",
    "safety",
    "abuse",
    "material",
    "exploitation",
    "violation",
    "to",
    "for",
    "and",
    "as",
    "was",
    "has",
    "been",
    "it",
    "check",
    "act",
    "respond",
    "handle",
    "process",
    "quickly",
    "possible",
    "soon",
    "platform",
    "team",
    "trust",
    "ncmec",
    "police",
    "match",
    "hash",
    "detected",
    "test",
    "dringend",
    "eilt",
    "eilig",
    "bitte",
    "prüfen",
    "sofort",
    "automatisch",
    "erstellt",
    "erzeugt",
    "siehe",
    "anhang",
    "ja",
    "nein",
    "keine",
    "wichtig",
    "hohe",
    "höchste",
    "priorität",
    "meldung",
    "gemeldet",
    "vom",
    "von",
    "der",
    "die",
    "das",
    "ist",
    "ein",
    "eine",
    "system",
    "bearbeiten",
    "um",
    "und",
    "zu",
    "schnell",
    "möglichst",
    "bald",
    "handeln",
    "inhalt",
    "missbrauch",
    "verdacht",
];

/// True if a text gives no reason: blank, or words that stand in every such field.
pub fn is_boilerplate(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '/' | '-')))
        .filter(|w| !w.is_empty())
        .all(|w| EMPTY_WORDS.contains(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_example_and_not_its_counterexample() {
        for rule in TEXT_RULES {
            assert!(!rule.source.is_empty() && !rule.patterns.is_empty());
            let of = |text| Signals::of_text(text).has(rule.signal);
            assert!(of(rule.example), "{:?}: {}", rule.signal, rule.example);
            assert!(
                !of(rule.counterexample),
                "{:?}: {}",
                rule.signal,
                rule.counterexample
            );
            for pattern in rule.patterns.iter().chain(rule.with_a_child) {
                assert_eq!(*pattern, pattern.to_lowercase(), "patterns are lower case");
                assert!(!pattern.starts_with("..") && !pattern.trim().is_empty());
            }
        }
    }

    #[test]
    fn a_negation_takes_back_what_follows_it_closely() {
        for (text, expected) in [
            ("he wants to meet her", true),
            ("no meeting is planned", false),
            ("kein Treffen geplant", false),
            ("ein Treffen ist geplant", true),
            ("not known to us, but they want to meet", true),
            ("He isn't online. They meet.", true),
        ] {
            assert_eq!(
                Signals::of_text(text).has(Signal::Meeting),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn ages_of_children_are_found_and_other_numbers_are_not() {
        for (text, expected) in [
            ("wants to meet her tomorrow, 12", Some(12)),
            ("Treffen heute, Mädchen 12", Some(12)),
            ("my 12 year old", Some(12)),
            ("a 9-year-old boy", Some(9)),
            ("ein 13-jähriges Mädchen", Some(13)),
            ("18 months old", Some(1)),
            ("she is 14", Some(14)),
            ("aged 10", Some(10)),
            ("ein Kind von 8 Jahren und eines von 5 Jahren", Some(5)),
            ("they meet tomorrow at 12", None),
            ("12 files", None),
            ("um 14 Uhr", None),
            ("I am 34 years old", None),
            ("case 12345", None),
            ("", None),
        ] {
            assert_eq!(Signals::of_text(text).youngest, expected, "{text}");
        }
    }

    #[test]
    fn boilerplate_gives_no_reason() {
        for (text, expected) in [
            ("URGENT!!! please review asap", true),
            ("n/a", true),
            ("", true),
            ("Automatisch erstellt, bitte prüfen", true),
            ("the child is alone with him", false),
            ("Treffen heute", false),
        ] {
            assert_eq!(is_boilerplate(text), expected, "{text}");
        }
    }
}
