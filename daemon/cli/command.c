/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/command.h"

#include <stdint.h>
#include <string.h>

#include "daemon/cli/bundle.h"
#include "daemon/cli/fetch.h"
#include "daemon/cli/import_folder.h"
#include "daemon/cli/members.h"
#include "daemon/cli/network.h"
#include "daemon/cli/publish.h"
#include "daemon/cli/reach.h"
#include "daemon/cli/records.h"
#include "daemon/cli/setup.h"
#include "daemon/cli/state.h"
#include "daemon/cli/tail.h"
#include "daemon/cli/verify.h"

/* clang-format off */
#define NETWORK {OPTION_NETWORK, false, false, NULL, NULL}
#define OFFICER_KEY {OPTION_OFFICER_KEY, false, false, NULL, NULL}
#define MAPPINGS {OPTION_MAPPINGS, false, false, NULL, NULL}
/* clang-format on */

const struct command commands[] = {
	{"init", "", 0, 0, "make this city's keys and configuration",
		"Makes the data folder with the city key, the node key and hansad.yaml, and prints the "
		"city's fingerprint as it is read out over the telephone. Needs no daemon.",
		setup_init, 6,
		{{OPTION_CITY, true, false, "NAME", "the city's name, such as Budapest"},
			{OPTION_SLUG, true, false, NULL, "its short name in record ids, such as budapest"},
			{OPTION_COUNTRY, true, false, NULL, NULL},
			{OPTION_DATA, true, false, NULL, "the folder to make"},
			{OPTION_LISTEN, true, true, NULL,
				"where to listen for other cities; with port 0 one is chosen and kept"},
			{OPTION_ADVERTISE, false, true, NULL,
				"what other cities dial, where that differs: a name, or a router's address"}}},
	{"key renew", "", 0, 0, "change this server's key in every network",
		"Opens a new epoch with a new node key; links with the former key end. Do this when the "
		"server or a copy of its disk may have been in other hands. A city whose store was lost "
		"waits until its own records are back; with --force it goes on without those that nobody "
		"has any more. Without a terminal nothing is asked: in a script, give --yes.",
		setup_key_renew, 2,
		{{OPTION_FORCE, false, false, NULL,
			 "end the former epoch at the records that are here; those missing are lost"},
			{OPTION_YES, false, false, NULL, "with --force: ask nobody"}}},
	{"network create", "", 0, 0, "found a network of cities",
		"Makes the network's first officer key outside the data folder, in "
		"~/.config/hansa/officers, founds the network and prints its id. Whoever has the officer "
		"key decides who is a member: keep a copy of it away from this machine.",
		network_create, 4,
		{{OPTION_NAME, true, false, NULL, "the network's name, such as \"Pact of Free Cities\""},
			{OPTION_SLUG, true, false, NULL, "its short name in record ids, such as pact"},
			{OPTION_OFFICER_KEY, false, false, NULL,
				"use this officer key, or make it there (default: a new one in "
				"~/.config/hansa/officers)"},
			{OPTION_OFFICER_NAME, false, false, NULL, NULL}}},
	{"invite", "", 0, 0, "let one more city join",
		"Prints a token, alone, on standard output. It lets one city in, once: hand it over on a "
		"safe way. Without --key the city is unconfirmed until `hansa confirm`; with it, only the "
		"city of that key can join, and is confirmed at once.",
		network_invite, 6,
		{NETWORK,
			{OPTION_CITY, true, false, NULL, "the short name that the city gets in this network"},
			{OPTION_KEY, false, false, NULL,
				"the fingerprint of its key, which it read out to you"},
			{OPTION_EXPIRES, false, false, NULL, "how long the token works (default: 7d)"},
			OFFICER_KEY, {OPTION_WITHDRAW, false, false, NULL, NULL}}},
	{"join", "TOKEN", 1, 1, "join a network by the token of an invitation",
		"Dials the city that made the token, takes the charter from it and becomes a member. With "
		"- as TOKEN it is read from standard input, so that it stands in no list of processes.",
		network_join, 0, {{0}}},
	{"confirm", "CITY", 1, 1, "confirm that a new city is who it says",
		"Shows the fingerprint of the city's key. Have somebody whose voice you know at that city "
		"read theirs out, and compare. Until then its alerts are shown to nobody. Without a "
		"terminal nothing is asked: in a script, give --fingerprint.",
		members_confirm, 3,
		{NETWORK,
			{OPTION_FINGERPRINT, false, false, NULL,
				"what the city read out: it is compared, and you are asked nothing"},
			OFFICER_KEY}},
	{"members", "", 0, 0, "show the cities of a network", "", members_show, 1, {NETWORK}},
	{"suspend", "CITY", 1, 1, "suspend a city for a time",
		"The links of all members to it end as soon as they learn of it. `hansa resume` takes it "
		"back. With --cut what it signed beyond that is disowned, and after it is resumed it goes "
		"on only with a new key (`hansa key renew`).",
		members_suspend, 4,
		{NETWORK, {OPTION_REASON, false, false, NULL, NULL}, {OPTION_CUT, false, false, NULL, NULL},
			OFFICER_KEY}},
	{"resume", "CITY", 1, 1, "end a city's suspension",
		"Where the suspension ended its epoch (--cut) the city first opens the next one with "
		"`hansa key renew`; its `hansa status` says so.",
		members_resume, 2, {NETWORK, OFFICER_KEY}},
	{"remove", "CITY", 1, 1, "remove a city for good",
		"What it has published up to now stays. It can come back only with a new key and short "
		"name.",
		members_remove, 3, {NETWORK, {OPTION_REASON, false, false, NULL, NULL}, OFFICER_KEY}},
	{"quota", "LANE RECORDS [BYTES]", 2, 3, "limit what a city may publish in a day",
		"LANE is alert, call, doc or meta. So many fit in at once, and so many a day in the long "
		"run; 0 is no limit. Without --city it is every city's that has none of its own. Who goes "
		"beyond is refused by its own server, and waited for by the others.",
		members_quota, 3, {NETWORK, {OPTION_CITY, false, false, NULL, NULL}, OFFICER_KEY}},
	{"publish", "doc|call|alert FILE...", 2, SIZE_MAX, "publish files as records",
		"Documents: Markdown, AsciiDoc, reStructuredText, HTML, text, or a PDF as an attachment. "
		"Calls: JSON or CSV that a mapping describes. Alerts: CAP XML. Each is answered when it "
		"is safe on this server's disk. With --json, one object a record: its id and hash.",
		publish_run, 4,
		{NETWORK, {OPTION_ATTACH, false, true, NULL, NULL},
			{OPTION_TOPIC, false, true, NULL, "put the record under a topic"}, MAPPINGS}},
	{"import", "DIR", 1, 1, "publish all files of a folder",
		"Walks the folder in sorted order, says of each file what it is and publishes it. A file "
		"that cannot be read is refused with the reason and stops no other. Exit code 1 if any "
		"was refused.",
		import_folder_run, 2, {NETWORK, MAPPINGS}},
	{"list", "doc|call|alert", 0, 1, "list records, the newest first", "", records_list, 6,
		{NETWORK, {OPTION_CITY, false, false, NULL, NULL}, {OPTION_TOPIC, false, false, NULL, NULL},
			{OPTION_SINCE, false, false, NULL, "not older than a date or time, such as 2026-03-01"},
			{OPTION_OPEN, false, false, NULL, NULL},
			{OPTION_LIMIT, false, false, NULL, "at most so many (default: 100)"}}},
	{"show", "ID", 1, 1, "show a record",
		"ID is as in `hansa list`, such as pact/budapest/alert/42.", records_show, 1,
		{{OPTION_RAW, false, false, NULL, NULL}}},
	{"get", "ID ATTACHMENT", 2, 2, "fetch an attachment of a record",
		"ATTACHMENT is its name or its id, as `hansa show` lists them. The bytes are checked "
		"against the id before the file gets its name.",
		fetch_run, 1, {{OPTION_OUTPUT, true, false, NULL, "the file to write"}}},
	{"export", "ID", 1, 1, "export a record for other software",
		"cap: an alert as CAP XML, in its original bytes where they were kept. md: a document as "
		"Markdown. json: any record, with the proof that `hansa verify FILE` checks.",
		records_export, 2,
		{{OPTION_AS, true, false, NULL, NULL}, {OPTION_OUTPUT, false, false, NULL, NULL}}},
	{"bundle export", "", 0, 0, "write what a network holds to a file, for a city that is cut off",
		"A bundle has the charter, the records with their signatures, and the attachments, alerts "
		"first. Any member takes it in with `hansa bundle import`; `hansa verify` checks it "
		"anywhere. Without --since and --for it has everything.",
		bundle_export, 6,
		{NETWORK,
			{OPTION_OUTPUT, true, false, NULL,
				"the file to write; with --split FILE.001 and so on"},
			{OPTION_SINCE, false, false, "WHEN",
				"records from a date or time on, or how long back: 2026-03-01, 7d"},
			{OPTION_FOR, false, false, NULL,
				"from a week before this city was last heard of, and no more than it may have"},
			{OPTION_SPLIT, false, false, NULL, NULL}, {OPTION_SEAL, false, false, NULL, NULL}}},
	{"bundle import", "FILE...", 1, SIZE_MAX, "take in what a bundle brings",
		"Each record is verified as if it came over a link, and is on this server's disk when the "
		"command ends. What is held already is passed over, so the same file may be imported "
		"again. Exit code 1 if anything was not taken.",
		bundle_import, 0, {{0}}},
	{"tail", "", 0, 0, "follow what arrives",
		"One line for each thing that becomes visible here, until stopped. --from goes on after a "
		"cursor without a gap; `hansa status --json` has the present one.",
		tail_run, 1, {{OPTION_FROM, false, false, NULL, NULL}}},
	{"peers", "", 0, 0, "show the links to other cities", "", state_peers, 2,
		{{OPTION_DENY, false, false, NULL, NULL}, {OPTION_ALLOW, false, false, NULL, NULL}}},
	{"reach", "", 0, 0, "show which cities are reached, and by which way",
		"Each city with its link, or who relays what it says; when its last beacon was signed, "
		"which it does each hour (OVERDUE after 70 minutes); since when it cannot be reached from "
		"here, and why. WITHHELD: its beacon names records that nobody gives us.",
		reach_run, 0, {{0}}},
	{"status", "", 0, 0, "show how this city's server is", "", state_status, 0, {{0}}},
	{"explain", "ID", 1, 1, "say where a record came from and who holds it",
		"Which city published it, which key signed it in which epoch, through whom it came, and "
		"which cities are known to hold it.",
		records_explain, 0, {{0}}},
	{"verify", "FILE|ID", 1, SIZE_MAX, "check a record's proof, or a bundle, from beginning to end",
		"FILE is what `hansa export ID --as json` wrote; it is checked without any daemon or "
		"network. Of an ID the proof is asked of the daemon and checked here. Says what was "
		"verified, and what a proof cannot show. FILE may be a bundle too, or all its parts.",
		verify_run, 0, {{0}}},
	{"log", "", 0, 0, "show the newest lines of the daemon's log", "", state_log, 1,
		{{OPTION_LINES, false, false, NULL, "how many (default: 100)"}}},
	{0},
};

const struct command *command_find(char *const *words, size_t count, size_t *used)
{
	for (const struct command *c = commands; c->verb; c++) {
		const char *space = strchr(c->verb, ' ');
		size_t len = space ? (size_t)(space - c->verb) : strlen(c->verb);
		if (count < (space ? 2u : 1u) || strlen(words[0]) != len ||
			strncmp(words[0], c->verb, len) != 0)
			continue;
		if (space && strcmp(words[1], space + 1) != 0)
			continue;
		*used = space ? 2 : 1;
		return c;
	}
	return NULL;
}

bool command_is_group(const char *word)
{
	size_t len = strlen(word);
	for (const struct command *c = commands; c->verb; c++)
		if (strncmp(c->verb, word, len) == 0 && c->verb[len] == ' ')
			return true;
	return false;
}

const struct command_option *command_option_find(const struct command *command, enum option_id id)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (command->options[i].id == id)
			return &command->options[i];
	return NULL;
}

const char *command_option_argument(const struct command_option *option)
{
	return option->argument ? option->argument : option_specs[option->id].argument;
}

const char *command_option_help(const struct command_option *option)
{
	return option->help ? option->help : option_specs[option->id].help;
}
