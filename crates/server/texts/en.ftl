# Texts of pages in English. Keys are compared with de.ftl and with the pages by a test.

## Every page
skip = To the content
navigation = Pages
sign-out = Sign out
close = Close
keys-title = Keys on this page
keys-on = Single keys work on this computer
more = More
previous = Previous
next = Next
yes = yes
no = no
when = When
who = Who
source = Source
of-hundred = of 100
age-minutes = { $n ->
    [0] less than a minute
    [one] { $n } minute
   *[other] { $n } minutes
}
age-hours = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
age-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
bytes = { $n ->
    [one] { $n } byte
   *[other] { $n } bytes
}

## What went wrong
fault-denied = You may not do this
fault-denied-next = If you should, ask an administrator for the role, or sign in with a key that has the right.
fault-missing = Not found
fault-missing-next = It may have been erased, or the address is wrong. Go back to the list and open it from there.
fault-conflict = Nothing was changed
fault-conflict-next = Open the page again to see how things are now, then decide.
fault-invalid = Something in the form isn't right
fault-request = This could not be done
fault-request-next = Go back, correct it, and send it again. What you wrote is still there.
fault-ours = This is our fault
fault-ours-next = Try again in a moment. If it lasts, the server's log has the cause; whoever runs the server can read it.
fault-to-start = To the start page

## Signing in
sign-in = Sign in
sign-in-key = Your key
sign-in-refused = This key doesn't work here: it is unknown, was revoked, has expired, or its owner has no role.
sign-in-not-kept = Your browser did not keep the session. Open obhut over HTTPS, and allow cookies for this address.
sign-in-make-key = An administrator makes a key for you with
sign-in-hint = You stay signed in for 12 hours, or until you have done nothing for 30 minutes. The key itself is not kept in this browser.
sign-in-nobody-yet = Nobody is on record here yet. Open the address that obhut serve printed when it started: it sets obhut up.
sign-in-appeal = You received a notice about your account? Appeal here.
unsent-ended = Your session ended before this was sent. Sign in again: what you wrote is kept on the next page, and nothing is sent until you say so.
unsent-written = What you wrote
unsent-title = Not sent yet
unsent-look = Your session had ended, so this wasn't sent. Things may have changed since.
unsent-page = Look at the page first
unsent-send = Send it now
unsent-who = You are signed in as { $name }. Send this only if you wrote it.

## Start
start = Start
start-hello = Hello, { $name }
start-urgent = A child may be in danger now: open the first case. It has waited
start-open = open cases
start-decided = to be reported
start-payments = Payment alerts
start-other = The pages you can use are listed above.
start-appealed = under appeal
alarms = Alarms
alarms-none = No alarms.
alarms-more = There are more; they appear as you mark these as seen.
alarm-seen = Seen
deadlines = Deadlines
deadlines-none = No deadline is running.
deadline-due = Due
deadline-what = What
deadline-for = For
deadline-report = Report is due
deadline-preservation = Preserved until
deadline-authority-request = An authority's request
deadline-child-in-danger = Child in danger
deadline-appeal = An appeal waits for a decision
deadline-information = The platform's answer

## Cases
case = Case
cases = Cases
case-title = Case { $case }
cases-find = Account, or number of a case, report or upload
cases-find-go = Find
cases-about = { $n } cases are about this account, the newest first.
cases-by-status = By status
cases-none = None.
status-open = open
status-decided = to be reported
status-reported = reported
status-closed = closed
status-appealed = under appeal
status-cleared = cleared
queue-empty = No case is waiting for a decision.
queue-risk = Risk
queue-why = Why
queue-waiting = Waiting for
queue-who = Working on it
queue-no-reason = Nothing known so far points to a child in danger.
queue-next = Take the next case
case-opened = Opened
case-changed = Changed
case-why = How urgent, and why
embargoed = Nothing about this case may reach the person concerned.
claimed = { $name } is working on this case.
skip-case = Skip this case
files = Files
files-none = No file of this case was kept.
files-more = { $n } more; open any file to go through all of them.
files-not-kept = { $n ->
    [one] One finding is about a file that was not kept.
   *[other] { $n } findings are about files that were not kept.
}
file-n = File { $n }
file-kind = Kind
file-size = Size
file-sealed = Sealed
file-name = Name
found-how = Found by
found-match = Hash match
found-given = Came with a case file
found-report = Report as received
found-unreadable = Could not be read
distance = distance { $n }
surface-public = public
surface-shared = shared
surface-private-message = private message
seen = Viewed whole
seen-by-you = by you
seen-by-others = by others
seen-by-none = here by no one
seen-same-bytes = The same bytes were viewed by { $name }
seen-alike = A file matching the same list entry was viewed by { $name }

## Deciding
decide = Decide
decide-seen-before = For each file here that you have not viewed, one with the same bytes or matching the same list entry was viewed in another case, and the decision there was to report. You need not look.
decide-not-seen = You have not viewed every file whole, so only grounds that don't claim a view are offered, and no category can be given.
decide-grounds-ready = Decision with ready grounds
decide-own-grounds = My own grounds only
decide-own = Own decision and grounds
decide-categories = Category of each file you viewed (NCMEC industry classification)
decide-same-bytes = Decide other open cases with the same files in the same way
decide-and-next = Decide, and take the next case
decide-and-stay = Decide, and stay here
grounds = Grounds
ruling-report = Report
ruling-no-report = Do not report
grounds-viewed-report = I have viewed the files of { $case } whole. They are apparent child sexual abuse material.
grounds-seen-before-report = For each file of { $case } that I have not viewed whole, a file with the same bytes or matching the same list entry was viewed in another case, and the decision there was to report.
grounds-listed-report = A file of { $case } matches an entry of a hash list that two people have signed. I have not viewed every file.
grounds-viewed-no-report = I have viewed the files of { $case } whole. There is nothing to report.
grounds-wrong-match = I have viewed the files of { $case } whole. The match is wrong: another picture is listed.
decisions = Decisions

## What is known
missing = What a good report still needs
complete = { $n } percent complete.
known = What is known
known-nothing = Nothing beyond the files.
known-victims = Children concerned (opens what is known of them)
known-threads = Messages (opens their text)

## Evidence
exhibit = Exhibit
exhibit-title = File { $n } of { $of }
back-to-case = Back to the case
earlier = Decided before about the same file
looks = Who has looked at it
looks-none = No one so far.
look-nothing = Nothing is shown until you ask for it.
look-why = What for
look-purpose = Review of case { $case }
look-blurred = Show blurred
look-sheet = Show frames
look-whole = Show whole
look-hint = Hold the button or its key; letting go hides it. Every look is on record before you see anything. Blur and grey are a comfort: studies disagree whether they protect.
look-alt = The file, as asked for
look-failed = It could not be shown:
how-much = How much
what-for = What for
extent-whole = whole
extent-part = part
extent-metadata = metadata
extent-blurred = blurred
extent-unseen = not looked at
extent-failed = could not be shown

## Reports
report = Report
reports = Reports
report-to = to { $destination }
reports-to-approve = To approve
reports-stopped = Stopped: needs you
reports-under-way = Under way
reports-filed = Filed
reports-none = None.
destination = Destination
filing = Filing
filing-waiting = waiting
filing-begun = begun
filing-finishing = finishing
filing-filed = filed
filing-stopped = stopped
filing-retracted = retracted
filing-test = test service: nothing has been reported
filing-number = number
filing-attempts = { $n ->
    [one] one attempt
   *[other] { $n } attempts
}
report-draft = waiting for approval
report-approved = approved
report-superseded = superseded
report-withdrawn = withdrawn
report-retracting = being retracted
report-retracted = retracted
with-victims = with the children's data
file-to = Destination
file-by-route = as the routes on record say
file-with-victims = Include what is known of the children concerned
file-report = Put the report on record
decided-by = Decided by
approved-by = Approved by
report-check = Check
report-acceptable = The receiver's rules are met.
report-stops = This stops the report:
report-empty = The report contains nothing that an officer could act on.
report-remarks = Please check
report-omitted = { $n ->
    [one] One fact is left out
   *[other] { $n } facts are left out
}
report-preview = As it would be sent
report-approved-text = As it was approved
report-no-text = There is no text to show.
report-cut = The rest is left out here.
approve = Approve
approve-not-you = You decided this case, so another person has to approve the report.
approve-blocked = It can't be approved until what stops it is put right.
approve-because = Why it is sent all the same
approve-as-received = Also send the incoming report as it was received
approve-and-queue = Approve for sending
send-now = Send now
send-resume = Send again
retract = Retract
retract-why = Why

## Payments
payments = Payments
payments-lead = An alert is a lead: two independent signals, nothing more.
payments-victims = May need help
payments-victims-first = Talk to them first: each alert says how.
payments-review = To review
payments-no-tipping = Don't tell these customers about the alert.
payments-none = None.
payments-score = Score
payments-pattern = Pattern
payments-last = Last payment
payments-back = Back to the alerts
payments-party = Party
payments-points = { $n } points
payments-why = Why
payments-indicator = Indicator
payments-numbers = Numbers and thresholds
payments-others = Counterparties
payments-senders = Senders to this party
payments-chart = Amounts over time
payments-scales = Each currency has a separate scale; the top of each is written above.
payments-filled = Filled points are in the published price band of their currency.
payments-list = The payments as a list
payments-to-from = To or from
payments-amount = Amount
payments-country = Country

## Appeals of people who have no account here
appeal = Appeal
appeal-failed = This didn't work. Please compare the code with the notice, and say why you appeal. If an appeal is already open, you don't need to do anything.
appeal-about = You received a notice that content was removed or an account was closed. You can appeal here. A different person will decide. You don't need an account.
appeal-code = Code of the notice
appeal-why = Why do you think the decision is wrong?
appeal-no-media = Please send no pictures or videos.
appeal-send = Send
appeal-received = We have received your appeal
appeal-received-next = A different person will review it. Until it is decided, no data of your account will be deleted. You will get the result the same way you received the notice.

## Reports of others
incoming = Incoming reports
incoming-one = Incoming report
incoming-none = No report came in.
incoming-back = Back to the incoming reports
incoming-open = Open a case from it
incoming-has-case = Its case
incoming-partly = read only in part
incoming-unread = could not be read
incoming-duplicate = repeats
incoming-reupload = same file, same account as
incoming-earlier = same account or file as

## Appeals
appeals = Appeals
appeals-none = No appeal is waiting.
appeals-back = Back to the appeals
appeal-filed = Filed
appeal-text = What the person concerned wrote
appeal-who = Who decided the case, determined something about it, approved its report, or admitted or decided an earlier appeal can't decide this one.
appeal-upheld = Uphold: the decision was wrong; reports are taken back and the person's data are erased
appeal-rejected = Reject: the decision stands
outcome-upheld = Upheld
outcome-rejected = Rejected

## Hash lists
lists = Hash lists
lists-none = No list was imported yet.
lists-shell = Lists are imported and disputed at the command line:
list-matches = The newest version matches.
list-older-matches = The newest version lacks signatures and only counts; an older one matches.
list-counts-only = Lacks the signatures of two people: it only counts.
list-owner = Owner
list-purpose = Purpose
list-basis = Legal basis
list-action = A match
list-version = Version
list-entries = Entries
list-problems = Rows left out
list-signed = Signed by
list-signed-none = no one yet
list-disputed = Disputed entries
list-counted = Hits while it only counted
list-sign = Sign this version
list-sign-look = See what you would sign
list-sign-words = Your signature says that you answer for these { $n } entries. With the signature of a second person each match does this: { $action }.
list-signed-by-you = You have signed this version; a second person's signature is missing.
list-matching = Version that matches now
list-matching-none = none
list-distance = Largest distance
list-distance-default = that of each hash kind
purpose-assessed = assessed material
purpose-self-submission = handed in by the person shown
purpose-known-harmless = known harmless
action-pass = changes nothing
action-hold = holds the upload
action-block = blocks the upload

## People and keys
people = People and keys
people-shell = People, roles and keys change at the command line:
name = Name
roles = Roles
role-list-steward = list steward
role-reviewer = reviewer
role-reporting-officer = reporting officer
role-administrator = administrator
role-auditor = auditor
role-appeals = appeals
keys = Keys in force
key-of = Of
key-made = Made
key-used = Last used
key-unused = never
key-ends = Ends
key-endless = never
rights = Rights

## Audit
audit = Who did what
audit-about = About: a case, exhibit, report, list, person or key
audit-none = Nothing on record.
audit-act = Act
audit-subject = About
audit-detail = Detail
audit-more = Older rows are at the command line:

## Pause
pause = Pause
pause-words = Take the time you need. A case you took stays yours for a quarter of an hour; after that others can take it.
pause-back = Back to the start page
help = Someone to speak to
help-words = Your employer may offer supervision or counselling; ask for it before you need it. By telephone, day and night:
help-de = Germany: TelefonSeelsorge
help-at = Austria: Telefonseelsorge
help-ch = Switzerland: Die Dargebotene Hand
help-gb = United Kingdom and Ireland: Samaritans
help-us = United States: 988 Lifeline
looks-today = { $n ->
    [0] You have looked at no file today.
    [one] You have looked at a file once today.
   *[other] You have looked at files { $n } times today.
}
looks-left = { $n ->
    [one] One more look is allowed.
   *[other] { $n } more looks are allowed.
}
looks-none-left = No more looks are allowed today. Take a break; if a child can't wait, another person can look, or allow you more.
exposures = Looks today
exposures-words = Each look at a file, whole or in part, since midnight UTC.
exposures-today = Looks
exposures-left = Left
exposures-allow = Allow more
exposures-more = How many
exposures-because = Why

## Marks
retraction-of = Retraction of
appeal-not-you = You decided this case, so another person has to decide the appeal.
keys-hint = lists the keys of this page.
stage-stays = Without scripts the picture stays until you leave the page.
decide-despite-claim = Decide it although { $name } is working on it.
exposures-cap = The cap is { $n } a day. Only another person can allow more, and the reason is on record.
exposures-no-cap = There is no cap.
goes-to = It goes to
goes-to-test = test service: nothing is reported

## Statistics
statistics = Statistics
statistics-period = Period
statistics-days = { $n } days
statistics-utc = Days are counted in UTC, today included. Each figure has its own unit; figures of different units are not added up.
statistics-test = Reports to a test service are left out.
statistics-cases = Cases opened
statistics-found = Where their first finding came from
statistics-decided = Decisions
statistics-filed = Reports that arrived, by destination
statistics-outcomes = What receivers said about reports
statistics-outcomes-words = Over all time, by list or destination, as your officers recorded it.
statistics-no-outcome = None on record yet.
statistics-none = None in this period.
statistics-total = { $n } in all.
statistics-day = Day
statistics-kind = Kind
statistics-count = Count
statistics-from = From
statistics-outcome = Outcome
statistics-others = others
as-table = As a table
source-media = pictures and videos
source-payments = payments
source-bitcoin = Bitcoin
source-intake = incoming reports
source-person = put in by a person

## Vault
vault = Vault
vault-log = The log
vault-log-words = Each exhibit, each look and each destruction is an entry. Nobody can change or remove one without the log showing it.
vault-entries = Entries
vault-root = Root hash
vault-stamped = Last stamped by a time authority
vault-not-stamped = never; without a stamp the log's times rest on this machine's clock
vault-witnesses = Witnesses
vault-no-witness = none; without a witness only this server vouches for the log
vault-cosigned = cosigned up to entry { $n }
vault-not-cosigned = has cosigned nothing yet
vault-shell = Holds, destruction and exports are carried out at the command line:
holds = Held
holds-words = What an authority asked you to preserve is destroyed by no rule until the hold is released.
hold-of = What
hold-asked = Asked by
hold-since = Since
hold-until = Until
hold-endless = until it is released
destructions = To be destroyed
destructions-words = An exhibit whose time is over is announced here at least seven days before it is destroyed.
destruction-because = Because
destruction-not-before = Not before
destruction-waits = Waits for
exports = Handed over
exports-words = Exhibits leave the vault encrypted for one receiver, after another person approved it.
export-of = Of
export-files = { $n ->
    [one] { $n } file
   *[other] { $n } files
}
export-asked = Asked for by
export-approved = Approved by
export-written = Written
rows-more = { $n } more; the command line shows them.

## Setup
setup = Setup
setup-shell = These are changed at the command line:
setup-reporter = Who reports
setup-service = Service
setup-person = Person
setup-email = E-mail
setup-not-set = not set; reports can't be filed without it
destinations = Destinations
destinations-none = No destination is set up: no report can be sent.
destination-halted = Nothing is sent there at the moment:
destination-resume = Resume
destination-missing = Before anything can be sent:
destination-address = Address
destination-own = the service's own
destination-mode = Service
destination-production = production
destination-test = test: nothing that is sent there counts as reported
destination-secret = Password
is-set = set
is-not-set = not set
destination-officer = Answers for it
routes = Routes
routes-none = No route: a report goes only where a person names the destination. Add one.
route-to = To
route-provider = Provider in
route-user = User in
route-time = From – until
route-basis = Legal basis
route-any = any
bases = Legal bases
bases-words = Private messages are screened only while there is one for them.
bases-none = None on record: private messages are not screened.
basis-surface = For
basis = Basis
basis-owner = Answers for it
basis-until = Until
basis-ended = has ended
retention = How long exhibits are kept
retention-none = No rule is set. Only what the CyberTipline has ends, after its year; nothing else is destroyed.
retention-of = Filed with
retention-days = Days
retention-basis = Basis
retention-never-filed = never filed

## System
system = System
system-well = Everything that is looked at here works.
system-faults = { $n ->
    [one] One thing needs you.
   *[other] { $n } things need you.
}
system-what = What
system-found = Found
system-remedy = What to do
system-nothing = nothing
system-version = Version
system-shell = Whether the vault and the database agree:
system-none = none
system-jobs = Work that waits
system-jobs-n = { $n ->
    [one] { $n } job
   *[other] { $n } jobs
}
system-jobs-many = Look at the destinations below and at the server's log: something is not getting through.
system-rows = Changes not in the vault's log yet
system-rows-n = { $n ->
    [one] { $n } row
   *[other] { $n } rows
}
system-rows-many = Look at the server's log: the changes are not being sealed.
system-filings = Reports that stopped
system-filings-n = { $n ->
    [one] { $n } report
   *[other] { $n } reports
}
system-filings-stopped = Open Reports; each stopped one says why and what to do.
system-halted = Halted destinations
system-halted-remedy = See Setup for the reason; mend it, then resume.
system-routes-n = { $n ->
    [one] { $n } route
   *[other] { $n } routes
}
system-lists-n = { $n ->
    [one] { $n } matches
   *[other] { $n } match
}
system-lists-none = Import a list and have two people sign it: nothing is recognised.
system-unsigned = List versions without their signatures
system-unsigned-n = { $n ->
    [one] { $n } version
   *[other] { $n } versions
}
system-unsigned-remedy = They only count. Have them signed under Hash lists, or leave them.
system-witnesses-n = { $n ->
    [one] { $n } witness
   *[other] { $n } witnesses
}
system-witnesses-none = Name one: without it, only this server vouches for its log.
system-alarms-n = { $n ->
    [one] { $n } alarm
   *[other] { $n } alarms
}
system-alarms-remedy = A reporting officer looks at them on the start page, and marks each as seen.

## The first hour
first = First steps
first-words = Nobody is on record here yet. You become the first administrator. A second person is needed, because a list takes effect only with two people's signatures, and a report leaves only after another person has approved it.
first-nothing-yet = Nothing is recognised yet, because no list has its two signatures.
first-name = Your name
first-second = Name of the second person
first-second-why = They get a key of their own, which you hand to them.
first-make = Set obhut up
first-made = obhut is set up
first-once = These keys are shown until one of you has signed in, and never again. Copy them now, each to the person it belongs to.
first-platform = Your platform's key
first-platform-words = With it your platform has public uploads screened. It opens nothing else.
first-platform-key = YOUR PLATFORM'S KEY
first-nginx = These lines belong into the location that asks obhut; the whole file is
first-backup = Copy the keys of this installation
first-backup-words = Without this folder nothing that is recorded can be decrypted. Copy it to a safe place, away from the backups of the data:
first-next = What comes next
first-go-on = Sign in with your key and go on
first-done = done
first-open = open
first-step-list = 1. A hash list
first-step-sign = 2. Two signatures
first-step-try = 3. Try it
first-step-report = 4. Where reports go
first-test-list = Take the test list
first-test-list-words = It has the two digests of one generated picture of a landscape. It blocks that picture and nothing else.
first-own-list = A list of your own
first-csv = Rows
first-csv-words = A first line that names the columns kind and digest, then one row for each digest; matches hold an upload until a person has looked. Long lists, and other actions, at the command line:
first-import = Import it
first-sign-words = You sign it under Hash lists, where you see what you sign; the second person signs in with their own key and does the same. Until then matches are only counted.
first-picture = Download the test picture
first-try-words = The answer has "action":"block" in it, and a case is in the queue. The key is the platform's, from the page where obhut was set up.
first-report-words = Name the service that reports, the authority, and the route that leads to it, at the command line; docs/reporting.md has each step:
first-wrong = This isn't the address that obhut serve printed when it started. Restart it for a new one.
first-used = People are on record already, so the address is used up. Sign in with your key; if you have none, an administrator makes one with obhut key create.
first-other-site = Your browser says that another site sent this. Open the address that obhut serve printed, over https or on this machine.
first-same-name = A list's two signatures are of two people: name another one.
first-bad-name = A name has 1 to 100 characters: letters of one alphabet, digits, spaces and . ' - ( ) , _ @
first-hma = Clients of HMA need a key that also opens findings:
first-s3 = These lines need the object store's address:

## The case as a line of time
timeline = Timeline
timeline-says = What happened in this case, in the order of time; the list below says what each number is.
timeline-list = What the numbers are
timeline-more = { $n } earlier ones aren't drawn.
timeline-uploaded = uploaded
timeline-found = found
timeline-opened = case opened
timeline-look = { $name } looked at a file
timeline-decided = { $name } decided: { $ruling }
timeline-appeal = appeal
timeline-filed = report arrived at { $to }

## Decisions that can be taken back
pending-title = Your decision
pending-soon = It takes effect in { $n ->
    [one] { $n } second
   *[other] { $n } seconds
}.
pending-refused = It did not take effect:
pending-undo = Undo
pending-seen = I have seen it
pending-theirs = { $name } has decided this case. It takes effect within half a minute.

## How long open cases have waited
waiting = How long open cases have waited
waiting-age = Waited
waiting-8-hours = ≤ 8 h
waiting-day = ≤ 1 d
waiting-3-days = ≤ 3 d
waiting-week = ≤ 7 d
waiting-longer = > 7 d
