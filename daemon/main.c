/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/app.h"
#include "daemon/notify.h"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2
};

static const char usage[] =
	"usage: hansad --config FILE [--check | --print]\n"
	"\n"
	"The Hansa daemon of one city. It runs in the foreground; `hansa init` makes FILE.\n"
	"\n"
	"  --config FILE  the configuration, hansad.yaml in the data folder\n"
	"  --check        check configuration, keys, permissions and store, then end\n"
	"  --print        write the configuration with all defaults, then end\n"
	"  --version      print the version\n"
	"  --help         print this\n"
	"\n"
	"SIGTERM and SIGINT stop it cleanly; SIGHUP reads log, deny, dial_max and advertise anew.\n"
	"Exit codes: 0 done, 1 refused (the reason on standard error), 2 usage.\n";

static int refused(const char *config_path, const struct complaint *complaint, int code)
{
	const char *reason = complaint->reason[0] ? complaint->reason : error_text(code);
	if (complaint->field[0])
		fprintf(stderr, "hansad: %s: %s: %s\n", config_path, complaint->field, reason);
	else
		fprintf(stderr, "hansad: %s: %s\n", config_path, reason);
	return EXIT_REFUSED;
}

static int print(const char *config_path)
{
	struct config config;
	struct complaint complaint = {0};
	int code = config_load(config_path, &config, &complaint);
	if (code)
		return refused(config_path, &complaint, code);
	code = config_print(&config, stdout);
	config_deinit(&config);
	if (code || fflush(stdout))
		return refused(config_path, &complaint, ERROR_IO);
	return EXIT_DONE;
}

static int check(const char *config_path)
{
	struct complaint complaint = {0};
	const char *note;
	int code = app_check(config_path, &note, &complaint);
	if (code)
		return refused(config_path, &complaint, code);
	printf("%s: good\n", config_path);
	if (note)
		fprintf(stderr, "hansad: note: %s\n", note);
	return EXIT_DONE;
}

/* A thousand links and their files: the soft limit of 1,024 is for programs that use select(2). */
static void files_allow(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Chunks, runs and slices come and go by the MiB. Left to itself the C library gives the top of the
 * heap back to the kernel each time and takes it again, page fault by page fault: 0.35 ms of each
 * MiB of an attachment received, a third of the loop's time.
 */
static void memory_keep(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 4 << 20); /* so much may stay unused, in the loop's heap and in each
										   thread's */
	mallopt(M_MMAP_THRESHOLD, 1 << 20); /* above the largest run and chunk */
#endif
}

static int serve(const char *config_path)
{
	static struct app app;
	struct complaint complaint = {0};
	umask(077);
	files_allow();
	memory_keep();
	int code = app_start(&app, config_path, &complaint);
	if (code)
		return refused(config_path, &complaint, code);
	notify_send("READY=1");
	return app_run(&app) ? EXIT_REFUSED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"print", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *config_path = NULL;
	int (*action)(const char *) = serve;
	int option;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config_path = optarg;
			break;
		case 'k':
			action = check;
			break;
		case 'p':
			action = print;
			break;
		case 'v':
			printf("hansad %s\n", HANSA_VERSION);
			return EXIT_DONE;
		case 'h':
			fputs(usage, stdout);
			return EXIT_DONE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (!config_path || optind != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return action(config_path);
}
