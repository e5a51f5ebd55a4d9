# Texte der Seiten auf Deutsch. Ein Test vergleicht die Schlüssel mit en.ftl und mit den Seiten.

## Jede Seite
skip = Zum Inhalt
navigation = Seiten
sign-out = Abmelden
close = Schließen
keys-title = Tasten auf dieser Seite
keys-on = Einzelne Tasten sind auf diesem Rechner eingeschaltet
more = Weitere
previous = Vorherige
next = Nächste
yes = ja
no = nein
when = Wann
who = Wer
source = Quelle
of-hundred = von 100
age-minutes = { $n ->
    [0] weniger als eine Minute
    [one] { $n } Minute
   *[other] { $n } Minuten
}
age-hours = { $n ->
    [one] { $n } Stunde
   *[other] { $n } Stunden
}
age-days = { $n ->
    [one] { $n } Tag
   *[other] { $n } Tage
}
bytes = { $n ->
    [one] { $n } Byte
   *[other] { $n } Byte
}

## Was nicht ging
fault-denied = Das dürfen Sie nicht
fault-denied-next = Wenn es zu Ihren Aufgaben gehört: Bitten Sie die Administration um die Rolle, oder melden Sie sich mit einem Schlüssel an, der das Recht hat.
fault-missing = Nicht gefunden
fault-missing-next = Vielleicht wurde es gelöscht, oder die Adresse stimmt nicht. Öffnen Sie es aus der Liste.
fault-conflict = Es wurde nichts geändert
fault-conflict-next = Öffnen Sie die Seite neu, um den jetzigen Stand zu sehen, und entscheiden Sie dann.
fault-invalid = Im Formular stimmt etwas nicht
fault-request = Das ging nicht
fault-request-next = Gehen Sie zurück, berichtigen Sie es und schicken Sie es noch einmal. Ihre Eingaben sind noch da.
fault-ours = Der Fehler liegt bei uns
fault-ours-next = Versuchen Sie es gleich noch einmal. Bleibt es dabei, steht die Ursache im Protokoll des Servers; wer ihn betreibt, kann es lesen.
fault-to-start = Zur Startseite

## Anmelden
sign-in = Anmelden
sign-in-key = Ihr Schlüssel
sign-in-refused = Mit diesem Schlüssel geht es nicht: Er ist unbekannt, widerrufen oder abgelaufen, oder er gehört niemandem mit einer Rolle.
sign-in-not-kept = Ihr Browser hat die Anmeldung nicht behalten. Öffnen Sie obhut über HTTPS, und erlauben Sie Cookies für diese Adresse.
sign-in-make-key = Die Administration erstellt Ihren Schlüssel mit
sign-in-hint = Sie bleiben zwölf Stunden angemeldet, oder bis Sie eine halbe Stunde lang nichts getan haben. Der Schlüssel selbst wird in diesem Browser nicht gespeichert.
sign-in-nobody-yet = Hier ist noch niemand eingetragen. Öffnen Sie die Adresse, die obhut serve beim Start ausgegeben hat: Sie richtet obhut ein.
sign-in-appeal = Sie haben eine Mitteilung zu Ihrem Konto bekommen? Hier können Sie Beschwerde einlegen.
unsent-ended = Ihre Sitzung war beendet, bevor das hier abgeschickt wurde. Melden Sie sich neu an: Ihr Text steht auf der nächsten Seite, und abgeschickt wird erst, wenn Sie es sagen.
unsent-written = Ihr Text
unsent-title = Noch nicht abgeschickt
unsent-look = Ihre Sitzung war beendet, deshalb wurde das hier nicht abgeschickt. Inzwischen kann sich etwas geändert haben.
unsent-page = Erst die Seite ansehen
unsent-send = Jetzt abschicken
unsent-who = Sie sind als { $name } angemeldet. Schicken Sie das nur ab, wenn Sie es geschrieben haben.

## Start
start = Start
start-hello = Guten Tag, { $name }
start-urgent = Ein Kind ist vielleicht jetzt in Gefahr: den ersten Fall öffnen. Er wartet seit
start-open = offene Fälle
start-decided = zu melden
start-payments = Hinweise zu Zahlungen
start-other = Die Seiten, die Sie nutzen können, stehen oben.
start-appealed = mit Beschwerde
alarms = Alarme
alarms-none = Kein Alarm.
alarms-more = Es gibt weitere; sie erscheinen, wenn Sie diese als gesehen markieren.
alarm-seen = Gesehen
deadlines = Fristen
deadlines-none = Es läuft keine Frist.
deadline-due = Fällig
deadline-what = Was
deadline-for = Für
deadline-report = Meldung fällig
deadline-preservation = Gesichert bis
deadline-authority-request = Ersuchen einer Behörde
deadline-child-in-danger = Kind in Gefahr
deadline-appeal = Beschwerde wartet auf Entscheidung
deadline-information = Antwort der Plattform

## Fälle
case = Fall
cases = Fälle
case-title = Fall { $case }
cases-find = Konto, oder Nummer eines Falls, einer Meldung oder eines Uploads
cases-find-go = Suchen
cases-about = { $n } Fälle betreffen dieses Konto, die neuesten zuerst.
cases-by-status = Nach Status
cases-none = Keine.
status-open = offen
status-decided = zu melden
status-reported = gemeldet
status-closed = geschlossen
status-appealed = mit Beschwerde
status-cleared = aufgehoben
queue-empty = Kein Fall wartet auf eine Entscheidung.
queue-risk = Gefährdung
queue-why = Warum
queue-waiting = Wartezeit
queue-who = Wer daran arbeitet
queue-no-reason = Bisher deutet nichts auf ein Kind in Gefahr hin.
queue-next = Nächsten Fall nehmen
case-opened = Eröffnet
case-changed = Geändert
case-why = Wie dringend, und warum
embargoed = Die betroffene Person darf von diesem Fall nichts erfahren.
claimed = { $name } bearbeitet diesen Fall gerade.
skip-case = Fall überspringen
files = Dateien
files-none = Von diesem Fall wurde keine Datei aufbewahrt.
files-more = { $n } weitere; öffnen Sie eine Datei, um alle durchzugehen.
files-not-kept = { $n ->
    [one] Ein Treffer betrifft eine Datei, die nicht aufbewahrt wurde.
   *[other] { $n } Treffer betreffen Dateien, die nicht aufbewahrt wurden.
}
file-n = Datei { $n }
file-kind = Art
file-size = Größe
file-sealed = Versiegelt
file-name = Name
found-how = Gefunden durch
found-match = Hash-Treffer
found-given = Mit einer Fallakte eingereicht
found-report = Meldung, wie sie einging
found-unreadable = Nicht lesbar
distance = Abstand { $n }
surface-public = öffentlich
surface-shared = geteilt
surface-private-message = private Nachricht
seen = Ganz angesehen
seen-by-you = von Ihnen
seen-by-others = von anderen
seen-by-none = hier von niemandem
seen-same-bytes = Eine identische Datei hat { $name } angesehen; Entscheidung
seen-alike = Eine Datei mit Treffer auf denselben Listeneintrag hat { $name } angesehen; Entscheidung

## Entscheiden
decide = Entscheiden
decide-seen-before = Zu jeder Datei, die Sie nicht angesehen haben, hat jemand in einem anderen Fall eine identische oder eine mit Treffer auf denselben Listeneintrag angesehen und den Fall zu melden entschieden. Sie brauchen sie nicht anzusehen.
decide-not-seen = Sie haben nicht jede Datei ganz angesehen. Angeboten werden deshalb nur Begründungen, die das nicht behaupten, und keine Kategorien.
decide-grounds-ready = Entscheidung mit fertiger Begründung
decide-own-grounds = Nur meine eigene Begründung
decide-own = Eigene Entscheidung und Begründung
decide-categories = Kategorie jeder Datei, die Sie angesehen haben (Einteilung von NCMEC)
decide-same-bytes = Andere offene Fälle mit denselben Dateien ebenso entscheiden
decide-and-next = Entscheiden und nächsten Fall nehmen
decide-and-stay = Entscheiden und hier bleiben
grounds = Begründung
ruling-report = Melden
ruling-no-report = Nicht melden
grounds-viewed-report = Ich habe die Dateien von { $case } ganz angesehen. Sie zeigen dem Anschein nach sexualisierte Gewalt gegen ein Kind.
grounds-seen-before-report = Zu jeder Datei von { $case }, die ich nicht ganz angesehen habe, wurde in einem anderen Fall eine identische Datei oder eine mit Treffer auf denselben Listeneintrag geprüft und dieser Fall zu melden entschieden.
grounds-listed-report = Eine Datei von { $case } stimmt mit einem Eintrag einer Hashliste überein, die zwei Personen unterzeichnet haben. Ich habe nicht jede Datei angesehen.
grounds-viewed-no-report = Ich habe die Dateien von { $case } ganz angesehen. Es gibt nichts zu melden.
grounds-wrong-match = Ich habe die Dateien von { $case } ganz angesehen. Der Treffer ist falsch: Gelistet ist ein anderes Bild.
decisions = Entscheidungen

## Was bekannt ist
missing = Was für eine gute Meldung noch fehlt
complete = Zu { $n } Prozent vollständig.
known = Was bekannt ist
known-nothing = Nichts außer den Dateien.
known-victims = Betroffene Kinder (öffnet, was über sie bekannt ist)
known-threads = Nachrichten (öffnet ihren Wortlaut)

## Beweismittel
exhibit = Beweismittel
exhibit-title = Datei { $n } von { $of }
back-to-case = Zurück zum Fall
earlier = Frühere Entscheidungen zu derselben Datei
looks = Wer sie angesehen hat
looks-none = Bisher niemand.
look-nothing = Es wird nichts gezeigt, bevor Sie es anfordern.
look-why = Wofür
look-purpose = Prüfung von Fall { $case }
look-blurred = Unscharf zeigen
look-sheet = Einzelbilder zeigen
look-whole = Ganz zeigen
look-hint = Knopf oder Taste gedrückt halten; Loslassen verbirgt das Bild. Jeder Blick wird protokolliert, bevor Sie etwas sehen. Unschärfe und Grau sind eine Erleichterung; ob sie schützen, ist in Studien umstritten.
look-alt = Die Datei, wie angefordert
look-failed = Es konnte nicht gezeigt werden:
how-much = Wie viel
what-for = Wofür
extent-whole = ganz
extent-part = teilweise
extent-metadata = Metadaten
extent-blurred = unscharf
extent-unseen = nicht angesehen
extent-failed = konnte nicht gezeigt werden

## Meldungen
report = Meldung
reports = Meldungen
report-to = an { $destination }
reports-to-approve = Freizugeben
reports-stopped = Angehalten: braucht Sie
reports-under-way = Unterwegs
reports-filed = Eingereicht
reports-none = Keine.
destination = Empfänger
filing = Einreichung
filing-waiting = wartet
filing-begun = begonnen
filing-finishing = wird abgeschlossen
filing-filed = eingereicht
filing-stopped = angehalten
filing-retracted = zurückgezogen
filing-test = Testdienst: Es ist nichts gemeldet
filing-number = Nummer
filing-attempts = { $n ->
    [one] ein Versuch
   *[other] { $n } Versuche
}
report-draft = wartet auf Freigabe
report-approved = freigegeben
report-superseded = ersetzt
report-withdrawn = hinfällig
report-retracting = wird zurückgezogen
report-retracted = zurückgezogen
with-victims = mit den Daten der Kinder
file-to = Empfänger
file-by-route = nach den hinterlegten Meldewegen
file-with-victims = Aufnehmen, was über die betroffenen Kinder bekannt ist
file-report = Meldung anlegen
decided-by = Entschieden von
approved-by = Freigegeben von
report-check = Prüfung
report-acceptable = Die Regeln des Empfängers sind erfüllt.
report-stops = Das hält die Meldung auf:
report-empty = Die Meldung enthält nichts, womit eine Behörde etwas anfangen könnte.
report-remarks = Bitte ansehen
report-omitted = { $n ->
    [one] Eine Angabe wird weggelassen
   *[other] { $n } Angaben werden weggelassen
}
report-preview = So würde sie gesendet
report-approved-text = So wurde sie freigegeben
report-no-text = Es gibt keinen Text zu zeigen.
report-cut = Der Rest ist hier weggelassen.
approve = Freigeben
approve-not-you = Sie haben diesen Fall entschieden; die Meldung muss eine andere Person freigeben.
approve-blocked = Sie kann erst freigegeben werden, wenn behoben ist, was sie aufhält.
approve-because = Warum sie trotzdem gesendet wird
approve-as-received = Auch die eingegangene Meldung mitsenden, wie sie einging
approve-and-queue = Zum Senden freigeben
send-now = Jetzt senden
send-resume = Noch einmal senden
retract = Zurückziehen
retract-why = Warum

## Zahlungen
payments = Zahlungen
payments-lead = Ein Hinweis ist ein Ermittlungsansatz: zwei unabhängige Signale, nicht mehr.
payments-victims = Möglicherweise Opfer
payments-victims-first = Zuerst mit ihnen sprechen: Jeder Hinweis sagt, wie.
payments-review = Zu prüfen
payments-no-tipping = Diese Kunden nicht informieren.
payments-none = Keine.
payments-score = Punkte
payments-pattern = Muster
payments-last = Letzte Zahlung
payments-back = Zurück zu den Hinweisen
payments-party = Beteiligter
payments-points = { $n } Punkte
payments-why = Warum
payments-indicator = Indikator
payments-numbers = Zahlen und Schwellenwerte
payments-others = Gegenparteien
payments-senders = Absender insgesamt
payments-chart = Beträge über die Zeit
payments-scales = Jede Währung hat ihre eigene Skala; deren oberes Ende steht oben.
payments-filled = Gefüllte Punkte liegen im veröffentlichten Preisband ihrer Währung.
payments-list = Die Zahlungen als Liste
payments-to-from = An oder von
payments-amount = Betrag
payments-country = Land

## Beschwerden ohne Anmeldung
appeal = Beschwerde
appeal-failed = Das hat nicht geklappt. Bitte vergleichen Sie den Code mit der Mitteilung und sagen Sie, warum Sie sich beschweren. Vielleicht läuft auch schon eine Beschwerde; dann müssen Sie nichts weiter tun.
appeal-about = Sie haben eine Mitteilung bekommen, dass Inhalte entfernt oder ein Konto geschlossen wurde. Hier können Sie Beschwerde einlegen. Eine andere Person als die erste entscheidet. Sie brauchen dafür kein Konto.
appeal-code = Code der Mitteilung
appeal-why = Warum halten Sie die Entscheidung für falsch?
appeal-no-media = Bitte schicken Sie keine Bilder oder Videos.
appeal-send = Absenden
appeal-received = Ihre Beschwerde ist eingegangen
appeal-received-next = Eine andere Person als bei der ersten Entscheidung prüft sie. Bis zur Entscheidung werden keine Daten Ihres Kontos gelöscht. Das Ergebnis erfahren Sie auf dem Weg, auf dem Sie die Mitteilung bekommen haben.

## Meldungen anderer
incoming = Eingegangene Meldungen
incoming-one = Eingegangene Meldung
incoming-none = Es ist keine Meldung eingegangen.
incoming-back = Zurück zu den eingegangenen Meldungen
incoming-open = Fall daraus anlegen
incoming-has-case = Zu ihrem Fall
incoming-partly = nur teilweise gelesen
incoming-unread = konnte nicht gelesen werden
incoming-duplicate = wiederholt
incoming-reupload = gleiche Datei, gleiches Konto wie
incoming-earlier = gleiches Konto oder gleiche Datei wie

## Beschwerden
appeals = Beschwerden
appeals-none = Keine Beschwerde wartet.
appeals-back = Zurück zu den Beschwerden
appeal-filed = Eingelegt
appeal-text = Was die betroffene Person geschrieben hat
appeal-who = Wer den Fall entschieden, etwas zu ihm festgestellt, seine Meldung freigegeben oder eine frühere Beschwerde zugelassen oder entschieden hat, kann diese nicht entscheiden.
appeal-upheld = Stattgeben: Die Entscheidung war falsch; Meldungen werden zurückgenommen, die Daten der Person gelöscht
appeal-rejected = Zurückweisen: Die Entscheidung bleibt bestehen
outcome-upheld = Stattgegeben
outcome-rejected = Zurückgewiesen

## Hashlisten
lists = Hashlisten
lists-none = Es wurde noch keine Liste eingelesen.
lists-shell = Importiert und angefochten werden Listen an der Kommandozeile:
list-matches = Die neueste Version wird abgeglichen.
list-older-matches = Der neuesten Version fehlen Unterschriften, sie zählt nur; abgeglichen wird eine ältere.
list-counts-only = Ihr fehlen die Unterschriften zweier Personen: Sie zählt nur.
list-owner = Verantwortlich
list-purpose = Zweck
list-basis = Rechtsgrundlage
list-action = Ein Treffer
list-version = Version
list-entries = Einträge
list-problems = Ausgelassene Zeilen
list-signed = Unterzeichnet von
list-signed-none = noch niemand
list-disputed = Angezweifelte Einträge
list-counted = Treffer, solange sie nur zählte
list-sign = Diese Fassung unterzeichnen
list-sign-look = Ansehen, was Sie unterzeichnen würden
list-sign-words = Mit Ihrer Unterschrift stehen Sie für diese { $n } Einträge ein. Kommt die Unterschrift einer zweiten Person dazu, gilt für jeden Treffer: { $action }.
list-signed-by-you = Sie haben diese Fassung unterzeichnet; es fehlt die Unterschrift einer zweiten Person.
list-matching = Fassung, die jetzt Treffer liefert
list-matching-none = keine
list-distance = Größter Abstand
list-distance-default = der der jeweiligen Hash-Art
purpose-assessed = begutachtetes Material
purpose-self-submission = von der gezeigten Person eingereicht
purpose-known-harmless = bekannt und unbedenklich
action-pass = ändert nichts
action-hold = hält den Upload zurück
action-block = blockiert den Upload

## Personen und Schlüssel
people = Personen und Schlüssel
people-shell = Personen, Rollen und Schlüssel werden auf der Kommandozeile geändert:
name = Name
roles = Rollen
role-list-steward = Listenverwaltung
role-reviewer = Prüfung
role-reporting-officer = Meldestelle
role-administrator = Administration
role-auditor = Revision
role-appeals = Beschwerden
keys = Gültige Schlüssel
key-of = Von
key-made = Erstellt
key-used = Zuletzt benutzt
key-unused = nie
key-ends = Endet
key-endless = nie
rights = Rechte

## Protokoll
audit = Wer was getan hat
audit-about = Zu: Fall, Beweismittel, Meldung, Liste, Person oder Schlüssel
audit-none = Nichts verzeichnet.
audit-act = Vorgang
audit-subject = Gegenstand
audit-detail = Einzelheiten
audit-more = Ältere Einträge gibt es auf der Kommandozeile:

## Pause
pause = Pause
pause-words = Nehmen Sie sich Zeit. Ein Fall, den Sie genommen haben, bleibt Ihnen eine Viertelstunde lang vorbehalten; danach können ihn andere nehmen.
pause-back = Zurück zur Startseite
help = Jemand zum Reden
help-words = Vielleicht bietet Ihr Arbeitgeber Supervision oder Beratung an; fragen Sie danach, bevor Sie sie brauchen. Am Telefon, Tag und Nacht:
help-de = Deutschland: TelefonSeelsorge
help-at = Österreich: Telefonseelsorge
help-ch = Schweiz: Die Dargebotene Hand
help-gb = Vereinigtes Königreich und Irland: Samaritans
help-us = USA: 988 Lifeline
looks-today = { $n ->
    [0] Sie haben heute noch keine Datei angesehen.
    [one] Heute haben Sie einmal eine Datei angesehen.
   *[other] Heute haben Sie { $n }-mal eine Datei angesehen.
}
looks-left = { $n ->
    [one] Ein Blick ist heute noch erlaubt.
   *[other] { $n } Blicke sind heute noch erlaubt.
}
looks-none-left = Heute sind keine weiteren Blicke erlaubt. Machen Sie eine Pause; wenn ein Kind nicht warten kann, kann jemand anderes hinsehen oder Ihnen mehr erlauben.
exposures = Heute angesehen
exposures-words = Jeder Blick auf eine Datei, ganz oder zum Teil, seit Mitternacht UTC.
exposures-today = Blicke
exposures-left = Übrig
exposures-allow = Mehr erlauben
exposures-more = Wie viele
exposures-because = Warum

## Marks
retraction-of = Rücknahme von
appeal-not-you = Sie haben über diesen Fall entschieden; über die Beschwerde muss jemand anderes entscheiden.
keys-hint = zeigt die Tasten dieser Seite.
stage-stays = Ohne Skripte bleibt das Bild, bis Sie die Seite verlassen.
decide-despite-claim = Entscheiden, obwohl { $name } daran arbeitet.
exposures-cap = Die Obergrenze ist { $n } am Tag. Mehr kann nur jemand anderes erlauben, und der Grund wird festgehalten.
exposures-no-cap = Es gibt keine Obergrenze.
goes-to = Sie geht an
goes-to-test = Testdienst: Es wird nichts gemeldet

## Statistik
statistics = Statistik
statistics-period = Zeitraum
statistics-days = { $n } Tage
statistics-utc = Tage zählen in UTC, der heutige mit. Jede Zahl hat ihre eigene Einheit; Zahlen verschiedener Einheiten werden nicht zusammengezählt.
statistics-test = Meldungen an Testdienste sind nicht dabei.
statistics-cases = Eröffnete Fälle
statistics-found = Woher ihr erster Fund kam
statistics-decided = Entscheidungen
statistics-filed = Angekommene Meldungen, nach Empfänger
statistics-outcomes = Was Empfänger zu Meldungen sagten
statistics-outcomes-words = Seit Beginn, nach Liste oder Empfänger, wie es bei Ihnen erfasst wurde.
statistics-no-outcome = Noch keines erfasst.
statistics-none = In diesem Zeitraum nichts.
statistics-total = Insgesamt { $n }.
statistics-day = Tag
statistics-kind = Art
statistics-count = Anzahl
statistics-from = Von
statistics-outcome = Ergebnis
statistics-others = weitere
as-table = Als Tabelle
source-media = Bilder und Videos
source-payments = Zahlungen
source-bitcoin = Bitcoin
source-intake = eingegangene Meldungen
source-person = von Hand eingegeben

## Asservatenkammer
vault = Asservate
vault-log = Das Protokoll
vault-log-words = Jedes Asservat, jeder Blick darauf und jede Vernichtung ist ein Eintrag. Niemand kann einen ändern oder entfernen, ohne dass das Protokoll es zeigt.
vault-entries = Einträge
vault-root = Wurzel-Hash
vault-stamped = Zuletzt von einem Zeitstempeldienst gestempelt
vault-not-stamped = nie; ohne Stempel beruhen die Zeiten des Protokolls auf der Uhr dieses Rechners
vault-witnesses = Zeugen
vault-no-witness = keine; ohne Zeugen bürgt nur dieser Server für das Protokoll
vault-cosigned = hat bis Eintrag { $n } mitgezeichnet
vault-not-cosigned = hat noch nichts mitgezeichnet
vault-shell = Sperren, Vernichtung und Herausgabe geschehen an der Kommandozeile:
holds = Zurückgehalten für Behörden
holds-words = Was Sie auf Ersuchen einer Behörde aufbewahren, vernichtet keine Regel, bis die Sperre aufgehoben ist.
hold-of = Was
hold-asked = Ersucht von
hold-since = Seit
hold-until = Bis
hold-endless = bis zur Aufhebung
destructions = Zur Vernichtung vorgesehen
destructions-words = Ein Asservat, dessen Frist abgelaufen ist, steht mindestens sieben Tage hier, bevor es vernichtet wird.
destruction-because = Grund
destruction-not-before = Frühestens
destruction-waits = Wartet auf
exports = Herausgegeben
exports-words = Asservate verlassen die Kammer verschlüsselt für einen Empfänger, nachdem eine zweite Person zugestimmt hat.
export-of = Wovon
export-files = { $n ->
    [one] { $n } Datei
   *[other] { $n } Dateien
}
export-asked = Beantragt von
export-approved = Freigegeben von
export-written = Geschrieben
rows-more = { $n } weitere; die Kommandozeile zeigt sie.

## Einrichtung
setup = Einrichtung
setup-shell = Geändert wird das an der Kommandozeile:
setup-reporter = Wer meldet
setup-service = Dienst
setup-person = Person
setup-email = E-Mail
setup-not-set = nicht angegeben; ohne das kann nichts gemeldet werden
destinations = Empfänger
destinations-none = Es ist kein Empfänger eingerichtet: Keine Meldung kann verschickt werden.
destination-halted = Dorthin geht im Moment nichts:
destination-resume = Wieder senden
destination-missing = Bevor etwas verschickt werden kann:
destination-address = Adresse
destination-own = die des Dienstes selbst
destination-mode = Dienst
destination-production = echter Betrieb
destination-test = Test: Was dorthin geht, gilt nicht als gemeldet
destination-secret = Passwort
is-set = hinterlegt
is-not-set = nicht hinterlegt
destination-officer = Verantwortlich
routes = Meldewege
routes-none = Kein Meldeweg: Eine Meldung geht nur dorthin, wo jemand den Empfänger angibt. Legen Sie einen an.
route-to = An
route-provider = Anbieter in
route-user = Nutzer in
route-time = Von – bis
route-basis = Rechtsgrundlage
route-any = beliebig
bases = Rechtsgrundlagen
bases-words = Private Nachrichten werden nur geprüft, solange es dafür eine gibt.
bases-none = Keine erfasst: Private Nachrichten werden nicht geprüft.
basis-surface = Für
basis = Grundlage
basis-owner = Verantwortlich
basis-until = Bis
basis-ended = abgelaufen
retention = Wie lange Asservate aufbewahrt werden
retention-none = Es gibt keine Regel. Nur was die CyberTipline hat, endet nach einem Jahr; sonst wird nichts vernichtet.
retention-of = Gemeldet an
retention-days = Tage
retention-basis = Grundlage
retention-never-filed = nie gemeldet

## System
system = System
system-well = Alles, was hier geprüft wird, funktioniert.
system-faults = { $n ->
    [one] Um eine Sache müssen Sie sich kümmern.
   *[other] Um { $n } Dinge müssen Sie sich kümmern.
}
system-what = Was
system-found = Befund
system-remedy = Was zu tun ist
system-nothing = nichts
system-version = Version
system-shell = Ob Asservate und Datenbank übereinstimmen, zeigt:
system-none = keine
system-jobs = Wartende Aufgaben
system-jobs-n = { $n ->
    [one] { $n } Aufgabe
   *[other] { $n } Aufgaben
}
system-jobs-many = Sehen Sie bei den Empfängern unten und im Protokoll des Servers nach: Etwas kommt nicht durch.
system-rows = Änderungen, die noch nicht im Protokoll der Asservate stehen
system-rows-n = { $n ->
    [one] { $n } Zeile
   *[other] { $n } Zeilen
}
system-rows-many = Sehen Sie im Protokoll des Servers nach: Die Änderungen werden nicht versiegelt.
system-filings = Angehaltene Meldungen
system-filings-n = { $n ->
    [one] { $n } Meldung
   *[other] { $n } Meldungen
}
system-filings-stopped = Öffnen Sie die Meldungen; bei jeder angehaltenen steht, warum und was zu tun ist.
system-halted = Angehaltene Empfänger
system-halted-remedy = Der Grund steht unter Einrichtung; beheben Sie ihn, dann senden Sie wieder.
system-routes-n = { $n ->
    [one] { $n } Meldeweg
   *[other] { $n } Meldewege
}
system-lists-n = { $n ->
    [one] { $n } liefert Treffer
   *[other] { $n } liefern Treffer
}
system-lists-none = Importieren Sie eine Liste und lassen Sie sie von zwei Personen unterzeichnen: Erkannt wird sonst nichts.
system-unsigned = Listenfassungen ohne Unterschriften
system-unsigned-n = { $n ->
    [one] { $n } Fassung
   *[other] { $n } Fassungen
}
system-unsigned-remedy = Sie zählen nur mit. Lassen Sie sie unter Hashlisten unterzeichnen, oder lassen Sie es dabei.
system-witnesses-n = { $n ->
    [one] { $n } Zeuge
   *[other] { $n } Zeugen
}
system-witnesses-none = Benennen Sie einen: Sonst bürgt nur dieser Server für sein Protokoll.
system-alarms-n = { $n ->
    [one] { $n } Alarm
   *[other] { $n } Alarme
}
system-alarms-remedy = Jemand mit der Rolle Meldestelle sieht sie auf der Startseite an und bestätigt jeden.

## Die erste Stunde
first = Erste Schritte
first-words = Hier ist noch niemand eingetragen. Sie übernehmen die Administration. Eine zweite Person ist nötig: Eine Liste wirkt erst mit den Unterschriften von zweien, und eine Meldung geht erst hinaus, wenn eine andere Person sie freigegeben hat.
first-nothing-yet = Noch wird nichts erkannt, denn keine Liste hat ihre zwei Unterschriften.
first-name = Ihr Name
first-second = Name der zweiten Person
first-second-why = Sie bekommt einen eigenen Schlüssel, den Sie ihr geben.
first-make = obhut einrichten
first-made = obhut ist eingerichtet
first-once = Diese Schlüssel stehen hier, bis sich jemand von Ihnen angemeldet hat, und danach nie wieder. Kopieren Sie sie jetzt, jeden für die Person, der er gehört.
first-platform = Der Schlüssel Ihrer Plattform
first-platform-words = Damit lässt Ihre Plattform öffentliche Uploads prüfen. Zu etwas anderem berechtigt er nicht.
first-platform-key = SCHLÜSSEL IHRER PLATTFORM
first-nginx = Diese Zeilen gehören in die Location, die obhut fragt; die ganze Datei ist
first-backup = Kopieren Sie die Schlüssel dieser Installation
first-backup-words = Ohne diesen Ordner lässt sich nichts Gespeichertes entschlüsseln. Kopieren Sie ihn an einen sicheren Ort, getrennt von den Sicherungen der Daten:
first-next = Wie es weitergeht
first-go-on = Mit dem eigenen Schlüssel anmelden und weitermachen
first-done = erledigt
first-open = offen
first-step-list = 1. Eine Hashliste
first-step-sign = 2. Zwei Unterschriften
first-step-try = 3. Ausprobieren
first-step-report = 4. Wohin gemeldet wird
first-test-list = Testliste übernehmen
first-test-list-words = Sie enthält die beiden Hashwerte eines einzigen, erzeugten Landschaftsbilds. Sie blockiert dieses Bild und sonst nichts.
first-own-list = Eine eigene Liste
first-csv = Zeilen
first-csv-words = Die erste Zeile nennt die Spalten kind und digest, dann folgt für jeden Hashwert eine Zeile; ein Treffer hält den Upload zurück, bis jemand hingesehen hat. Lange Listen und andere Wirkungen an der Kommandozeile:
first-import = Importieren
first-sign-words = Sie unterzeichnen unter Hashlisten, wo Sie sehen, was Sie unterzeichnen; die zweite Person meldet sich mit dem eigenen Schlüssel an und tut dasselbe. Bis dahin werden Treffer nur gezählt.
first-picture = Das Testbild herunterladen
first-try-words = Die Antwort enthält "action":"block", und in der Warteschlange steht ein Fall. Der Schlüssel ist der Ihrer Plattform, von der Seite, auf der obhut eingerichtet wurde.
first-report-words = Welcher Dienst meldet, an welche Behörde und auf welchem Meldeweg, legen Sie an der Kommandozeile fest; jeder Schritt steht in docs/reporting.md:
first-wrong = Das ist nicht die Adresse, die obhut serve beim Start ausgegeben hat. Starten Sie es neu, dann bekommen Sie eine neue.
first-used = Es sind schon Personen eingetragen, die Adresse ist also verbraucht. Melden Sie sich mit Ihrem Schlüssel an; haben Sie keinen, erstellt die Administration einen mit obhut key create.
first-other-site = Ihr Browser sagt, dass eine andere Seite das geschickt hat. Öffnen Sie die Adresse, die obhut serve ausgegeben hat, über https oder auf diesem Rechner.
first-same-name = Die zwei Unterschriften einer Liste stammen von zwei Personen: Nennen Sie eine andere.
first-bad-name = Ein Name hat 1 bis 100 Zeichen: Buchstaben eines Alphabets, Ziffern, Leerzeichen und . ' - ( ) , _ @
first-hma = Clients von HMA brauchen einen Schlüssel, der auch Funde öffnet:
first-s3 = Diese Zeilen brauchen die Adresse des Objektspeichers:

## Der Fall im Zeitverlauf
timeline = Zeitverlauf
timeline-says = Was in diesem Fall wann geschah; die Liste darunter sagt, was jede Nummer bedeutet.
timeline-list = Was die Nummern bedeuten
timeline-more = { $n } frühere sind nicht eingezeichnet.
timeline-uploaded = hochgeladen
timeline-found = gefunden
timeline-opened = Fall eröffnet
timeline-look = { $name } hat eine Datei angesehen
timeline-decided = { $name } hat entschieden: { $ruling }
timeline-appeal = Beschwerde
timeline-filed = Meldung bei { $to } angekommen

## Entscheidungen, die sich zurücknehmen lassen
pending-title = Ihre Entscheidung
pending-soon = Die Entscheidung wirkt in { $n ->
    [one] { $n } Sekunde
   *[other] { $n } Sekunden
}.
pending-refused = Sie ist nicht wirksam geworden:
pending-undo = Zurücknehmen
pending-seen = Gelesen
pending-theirs = { $name } hat diesen Fall entschieden. Wirksam wird das innerhalb einer halben Minute.

## Wie lange offene Fälle warten
waiting = Wie lange offene Fälle schon warten
waiting-age = Wartezeit
waiting-8-hours = ≤ 8 Std.
waiting-day = ≤ 1 Tag
waiting-3-days = ≤ 3 Tage
waiting-week = ≤ 7 Tage
waiting-longer = > 7 Tage
