/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "crypto/key.h"
#include "tests/sim/scale.h"
#include "tests/sim/world.h"

/*
 * Runs seeds, each in a process of its own, so that a check that fails in one is that seed's
 * failure. The last line of a failure is the command that replays it.
 */

#define JOBS_MAX 64

struct result {
	bool ok;
	uint64_t trace, steps, published, acknowledged, refused, connections, faults, amendments,
		rollbacks, renewals, disowned, forced, proofs;
	int64_t virtual_s;
	long memory_kib;
	char failure[512];
};

struct job {
	pid_t pid;
	int from;
	uint64_t seed;
};

static const char usage[] =
	"usage: ./run sim [--seed S] [--seeds K] [--nodes N] [--minutes M] [--jobs J]\n"
	"                 [--twice] [--calm] [--first] [--log] [--shrink] [--only-faults LIST]\n"
	"                 [--compact] [--random] [--seconds S]\n"
	"       ./run sim --scale N[,N]... [--json] [--plots FOLDER] [--seed S]\n"
	"  --seed S     the first seed (1)       --seeds K    how many (1)\n"
	"  --nodes N    cities, 2 to 200 (12)    --minutes M  virtual, before all is mended (10)\n"
	"  --jobs J     seeds at once (2)        --twice      each seed twice: the traces must agree\n"
	"  --calm       nothing goes wrong       --first      ends with the first seed that fails\n"
	"  --log        the nodes' logs, to standard error\n"
	"  --compact    for many seeds: 20 cities and 2 minutes unless said otherwise, and only what\n"
	"               fails is shown\n"
	"  --random     the first seed by chance; it is shown\n"
	"  --seconds S  no new seed after so long, real time\n"
	"  --scale N    how news spreads among N cities, 10 to 10,000, of which 0, 10, 50 and 80 of a\n"
	"               hundred die at once and come back (tests/sim/scale)\n"
	"  --forks      whole machines are put back, too: docs/scale.md says what is open\n"
	"  --shrink     ends with the first seed that fails, and makes it small\n"
	"  --only-faults LIST  of the seed's faults only these numbers, such as 3,17; 0: none\n";

static struct result simulate(const struct world_options *options)
{
	struct world world;
	struct result result = {0};
	struct rusage use;
	world_init(&world, options);
	result.ok = world_run(&world);
	result.trace = world.trace;
	result.steps = world.steps;
	result.published = world.published;
	result.acknowledged = world.acknowledged;
	result.refused = world.refused;
	result.connections = world.connections;
	result.faults = world.faults;
	result.rollbacks = world.rollbacks;
	result.renewals = world.renewals;
	result.disowned = world.disowned;
	result.forced = world.forced;
	result.proofs = world.proofs;
	result.amendments = world.amendment_count;
	result.virtual_s = world.now_us / WORLD_S;
	memcpy(result.failure, world.failure, sizeof result.failure);
	getrusage(RUSAGE_SELF, &use);
	result.memory_kib = use.ru_maxrss;
	/* After a failure the world is not fit to be taken apart. */
	if (result.ok)
		world_deinit(&world);
	return result;
}

/* Other addresses in every run: what depends on them shows as another trace. */
static void move_memory(void)
{
	static void *kept[2];
	size_t by = 1 + (size_t)getpid() * 263 % 509;
	kept[0] = malloc(by * 240);
	kept[1] = malloc((4u << 20) + by * 4096);
	require(kept[0] && kept[1]);
}

static bool start(struct job *job, const struct world_options *options)
{
	int ends[2];
	if (pipe(ends))
		return false;
	fflush(stdout);
	job->seed = options->seed;
	job->from = ends[0];
	job->pid = fork();
	if (job->pid == 0) {
		close(ends[0]);
		move_memory();
		struct result result = simulate(options);
		bool sent = write(ends[1], &result, sizeof result) == sizeof result;
		_exit(!sent);
	}
	close(ends[1]);
	return job->pid > 0;
}

static struct result finish(struct job *job)
{
	struct result result = {0};
	int status = 0;
	bool whole = read(job->from, &result, sizeof result) == sizeof result;
	close(job->from);
	waitpid(job->pid, &status, 0);
	job->pid = 0;
	if (!whole) {
		result = (struct result){0};
		snprintf(result.failure, sizeof result.failure, "the process ended by %s %d",
			WIFSIGNALED(status) ? "signal" : "exit code",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	return result;
}

static void print_command(const struct world_options *options, uint64_t seed)
{
	printf("./run sim --seed %llu --nodes %u --minutes %lld%s", (unsigned long long)seed,
		options->nodes, (long long)options->minutes, options->faults ? "" : " --calm");
	if (options->forks)
		printf(" --forks");
	if (options->only) {
		const char *before = " --only-faults ";
		for (uint64_t i = 1; i <= FAULTS_MAX; i++)
			if (fault_set_has(options->only, i)) {
				printf("%s%llu", before, (unsigned long long)i);
				before = ",";
			}
		if (options->only->count == 0)
			printf("%s0", before);
	}
	printf(" --log\n");
}

static void report(const struct world_options *options, uint64_t seed, const struct result *r)
{
	printf("seed %llu: %s, trace %016llx, %llu steps, %lld s, %llu of %llu acknowledged, ",
		(unsigned long long)seed, r->ok ? "ok" : "FAILED", (unsigned long long)r->trace,
		(unsigned long long)r->steps, (long long)r->virtual_s, (unsigned long long)r->acknowledged,
		(unsigned long long)r->published);
	printf("%llu faults, %llu connections, %llu amendments, %llu renewals, %llu rollbacks, "
		   "%llu forced, %llu cuts, %llu proofs, %ld MiB\n",
		(unsigned long long)r->faults, (unsigned long long)r->connections,
		(unsigned long long)r->amendments, (unsigned long long)r->renewals,
		(unsigned long long)r->rollbacks, (unsigned long long)r->forced,
		(unsigned long long)r->disowned, (unsigned long long)r->proofs, r->memory_kib / 1024);
	if (!r->ok) {
		printf("  %s\n  replay: ", r->failure);
		print_command(options, seed);
	}
	fflush(stdout);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value < least || value > most) {
		fputs(usage, stderr);
		exit(2);
	}
	return value;
}

struct command {
	struct world_options options;
	uint64_t seeds;
	unsigned jobs;
	bool twice, first, shrink, compact;
	double seconds;
	uint32_t scale;
};

/* Where seeds begin that nobody has run before: printed, since they must be run again. */
static uint64_t random_seed(void)
{
	uint64_t seed = 0;
	require(random_bytes(&seed, sizeof seed) == 0);
	return seed % UINT64_C(1000000000000);
}

static void set_compact(struct command *c)
{
	c->compact = true;
	c->options.nodes = 20;
	c->options.minutes = 2;
}

static struct command parse(int argc, char **argv)
{
	static const struct option names[] = {{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'k'}, {"nodes", required_argument, NULL, 'n'},
		{"minutes", required_argument, NULL, 'm'}, {"jobs", required_argument, NULL, 'j'},
		{"twice", no_argument, NULL, 't'}, {"calm", no_argument, NULL, 'c'},
		{"first", no_argument, NULL, 'f'}, {"log", no_argument, NULL, 'l'},
		{"shrink", no_argument, NULL, 'r'}, {"forks", no_argument, NULL, 'F'},
		{"only-faults", required_argument, NULL, 'o'}, {"compact", no_argument, NULL, 'p'},
		{"random", no_argument, NULL, 'x'}, {"seconds", required_argument, NULL, 'w'},
		{"scale", required_argument, NULL, 'z'}, {NULL, 0, NULL, 0}};
	static struct fault_set only; /* as long as the process */
	struct command c = {.options = {.seed = 1, .nodes = 12, .minutes = 10, .faults = true},
		.seeds = 1,
		.jobs = 2,
		.seconds = 1e9};
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (option == 's')
			c.options.seed = number(optarg, 0, UINT64_MAX);
		else if (option == 'k')
			c.seeds = number(optarg, 1, 100000000);
		else if (option == 'n')
			c.options.nodes = (uint32_t)number(optarg, 2, 200);
		else if (option == 'm')
			c.options.minutes = (int64_t)number(optarg, 1, 100000);
		else if (option == 'j')
			c.jobs = (unsigned)number(optarg, 1, JOBS_MAX);
		else if (option == 't')
			c.twice = true;
		else if (option == 'f')
			c.first = true;
		else if (option == 'c')
			c.options.faults = false;
		else if (option == 'l')
			c.options.log = true;
		else if (option == 'p')
			set_compact(&c);
		else if (option == 'z')
			c.scale = (uint32_t)number(optarg, 10, WORLD_CITIES_MAX);
		else if (option == 'x')
			c.options.seed = random_seed();
		else if (option == 'w')
			c.seconds = (double)number(optarg, 1, 1000000);
		else if (option == 'F')
			c.options.forks = true;
		else if (option == 'r')
			c.first = c.shrink = true;
		else if (option == 'o' && fault_set_parse(&only, optarg))
			c.options.only = &only;
		else
			number("", 1, 0);
	}
	if (optind < argc)
		number("", 1, 0);
	return c;
}

/* ---- a failing seed made small ---- */

#define SHRINK_TRIES 300

/* Failures are alike if they differ in numbers alone: cities, seqs, times. */
static bool is_alike(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "0123456789.");
		b += strspn(b, "0123456789.");
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

static bool fails_alike(void *ctx, const struct world_options *options)
{
	struct job job = {0};
	require(start(&job, options));
	struct result result = finish(&job);
	return !result.ok && is_alike(result.failure, ctx);
}

static void make_small(struct world_options options, uint64_t seed, struct result *failed)
{
	struct fault_set set;
	options.seed = seed;
	options.log = false;
	unsigned tries = shrink(
		&options, failed->faults, &set, SHRINK_TRIES, fails_alike, failed->failure);
	printf("  smallest of %u tries, %u faults: ", tries, set.count);
	print_command(&options, seed);
	fault_set_deinit(&set);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The one line that many seeds show: over itself on a terminal. */
static void progress(uint64_t seed, uint64_t ended, uint64_t failed, double took)
{
	static double shown;
	if (!isatty(STDOUT_FILENO) || took < shown + 0.5)
		return;
	shown = took;
	printf("\rseed %llu: %llu ended, %llu failed, %.0f a minute  ", (unsigned long long)seed,
		(unsigned long long)ended, (unsigned long long)failed, (double)ended / took * 60);
	fflush(stdout);
}

struct tally {
	uint64_t started, ended, failed, steps, last_trace;
	double begin;
};

static void judge_result(
	const struct command *c, struct tally *t, uint64_t seed, struct result *result)
{
	t->steps += result->steps;
	if (c->twice && t->ended % 2 && result->trace != t->last_trace) {
		result->ok = false;
		snprintf(result->failure, sizeof result->failure,
			"the same seed took another way: %016llx the first time",
			(unsigned long long)t->last_trace);
	}
	t->last_trace = result->trace;
	t->ended++;
	t->failed += !result->ok;
	if (c->compact)
		progress(seed, t->ended, t->failed, seconds() - t->begin);
	if (!c->compact || !result->ok)
		report(&c->options, seed, result);
	if (!result->ok && c->shrink)
		make_small(c->options, seed, result);
}

int main(int argc, char **argv)
{
	struct command c = parse(argc, argv);
	struct job jobs[JOBS_MAX] = {{0}};
	uint64_t first = c.options.seed, runs = c.seeds * (c.twice ? 2 : 1);
	struct tally t = {.begin = seconds()};
	if (c.scale) {
		struct scale_options scale = {c.options.seed, c.scale, 5, 5, c.options.log};
		return !scale_run(&scale);
	}
	if (c.compact)
		printf("seeds from %llu, %u cities, %lld minutes\n", (unsigned long long)first,
			c.options.nodes, (long long)c.options.minutes);
	while (t.ended < runs && !(c.first && t.failed)) {
		if (seconds() - t.begin > c.seconds && !(c.twice && t.started % 2))
			runs = t.started;
		/* Answers are taken in the order of the seeds, whichever is ready first. */
		for (; t.started < runs && t.started - t.ended < c.jobs; t.started++) {
			c.options.seed = first + (c.twice ? t.started / 2 : t.started);
			if (!start(&jobs[t.started % c.jobs], &c.options)) {
				perror("sim");
				return 1;
			}
		}
		if (t.ended == runs)
			break;
		struct job *job = &jobs[t.ended % c.jobs];
		struct result result = finish(job);
		judge_result(&c, &t, job->seed, &result);
	}
	double took = seconds() - t.begin;
	printf("%s%llu runs, %llu failed, %llu node-steps in %.1f s: %.0f a minute\n",
		c.compact && isatty(STDOUT_FILENO) ? "\n" : "", (unsigned long long)t.ended,
		(unsigned long long)t.failed, (unsigned long long)t.steps, took,
		(double)t.steps / took * 60);
	return t.failed > 0;
}
