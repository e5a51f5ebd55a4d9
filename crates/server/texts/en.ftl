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
sign-in-appeal = You received a notice about your account? Appeal here.
unsent-ended = Your session ended before this was sent. Sign in again: what you wrote is kept on the next page, and nothing is sent until you say so.
unsent-written = What you wrote
unsent-title = Not sent yet
unsent-look = Your session had ended, so this wasn't sent. Things may have changed since.
unsent-page = Look at the page first
unsent-send = Send it now

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
cases-find = Case or report number
cases-find-go = Find
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
lists-shell = Lists are imported, signed and disputed at the command line:
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
list-disputed = Disputed entries
list-counted = Hits while it only counted
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
