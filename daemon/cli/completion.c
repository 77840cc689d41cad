/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/help.h"

#include <string.h>

static void options_of(FILE *to, const struct command *c)
{
	for (size_t i = 0; i < c->option_count; i++)
		fprintf(to, "--%s ", option_specs[c->options[i].id].name);
	for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
		fprintf(to, "%s--%s", i ? " " : "", option_specs[i].name);
}

/** Operands that are words to choose from: "doc|call|alert FILE..." */
static void words_of(FILE *to, const struct command *c)
{
	size_t len = strcspn(c->operands, " ");
	if (strncmp(c->operands, "doc|", 4) != 0)
		return;
	for (size_t i = 0; i < len; i++)
		fputc(c->operands[i] == '|' ? ' ' : c->operands[i], to);
	fputc(' ', to);
}

/* Behind the last command of a group: its second words. `len`: of the first word and its space. */
static void group_of(FILE *to, const struct command *last, size_t len)
{
	const struct command *c = last;
	if (last[1].verb && strncmp(last[1].verb, last->verb, len) == 0)
		return;
	while (c > commands && strncmp(c[-1].verb, last->verb, len) == 0)
		c--;
	fprintf(to, "        '%.*s'*) set -- '", (int)len, last->verb);
	for (; c <= last; c++)
		fprintf(to, "%s%s", c->verb + len, c < last ? " " : "");
	fputs("' ;;\n", to);
}

void help_completion_bash(FILE *to)
{
	fputs("# SPDX-License-Identifier: Apache-2.0\n"
		  "# Completions of hansa for bash, made by `hansa --completion bash`.\n"
		  "_hansa() {\n"
		  "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i\n"
		  "    local second=\n"
		  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
		  "        [[ ${COMP_WORDS[i]} == --socket ]] && { ((i++)); continue; }\n"
		  "        [[ ${COMP_WORDS[i]} == -* ]] && continue\n"
		  "        verb=${COMP_WORDS[i]} second=${COMP_WORDS[i+1]:-}\n"
		  "        break\n"
		  "    done\n"
		  "    COMPREPLY=()\n"
		  "    case $before in\n",
		to);
	fputs(
		"        --socket|--officer-key|--attach|--output) COMPREPLY=($(compgen -f -- "
		"\"$word\")); return ;;\n"
		"        --data|--mappings) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
		"        --as) COMPREPLY=($(compgen -W 'cap md json' -- \"$word\")); return ;;\n"
		"    esac\n"
		"    if [[ -z $verb ]]; then\n"
		"        COMPREPLY=($(compgen -W '",
		to);
	for (const struct command *c = commands; c->verb; c++) {
		int len = (int)strcspn(c->verb, " ");
		bool again = c > commands && strncmp(c[-1].verb, c->verb, (size_t)len + 1) == 0;
		if (!again)
			fprintf(to, "%.*s ", len, c->verb);
	}
	fputs("--help --version' -- \"$word\"))\n"
		  "        return\n"
		  "    fi\n"
		  "    case \"$verb $second\" in\n",
		to);
	for (const struct command *c = commands; c->verb; c++) {
		const char *space = strchr(c->verb, ' ');
		if (space)
			fprintf(to, "        '%s') set -- '", c->verb);
		else
			fprintf(to, "        '%s '*) set -- '", c->verb);
		words_of(to, c);
		options_of(to, c);
		fputs("' ;;\n", to);
		if (space)
			group_of(to, c, (size_t)(space - c->verb) + 1);
	}
	fputs("        *) set -- '' ;;\n"
		  "    esac\n"
		  "    COMPREPLY=($(compgen -W \"$1\" -- \"$word\"))\n"
		  "    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
		  "}\n"
		  "complete -o filenames -F _hansa hansa\n",
		to);
}
