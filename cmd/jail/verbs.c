/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of verbs and how a word finds one. A verb of several words ("image import") is one
 * entry: there is no second level of dispatch.
 */
#include "cmd/jail/verbs.h"

/* One to a line, however many there are: */
/* clang-format off */
const struct verb *const verbs[] = {
	&verb_create,
	&verb_start,
	&verb_run,
	&verb_exec,
	&verb_cp,
	&verb_attach,
	&verb_logs,
	&verb_ps,
	&verb_inspect,
	&verb_stats,
	&verb_events,
	&verb_stop,
	&verb_kill,
	&verb_restart,
	&verb_pause,
	&verb_resume,
	&verb_refresh,
	&verb_wait,
	&verb_rm,
	&verb_rename,
	&verb_rebuild,
	&verb_set,
	&verb_enable,
	&verb_disable,
	&verb_snapshot_create,
	&verb_snapshot_list,
	&verb_snapshot_rm,
	&verb_snapshot_diff,
	&verb_snapshot_run,
	&verb_rollback,
	&verb_diff,
	&verb_clone,
	&verb_commit,
	&verb_export,
	&verb_import,
	&verb_image_import,
	&verb_image_pull,
	&verb_image_list,
	&verb_image_inspect,
	&verb_image_history,
	&verb_image_tag,
	&verb_image_rm,
	&verb_image_prune,
	&verb_image_verify,
	&verb_image_export,
	&verb_volume_create,
	&verb_volume_list,
	&verb_volume_inspect,
	&verb_volume_set,
	&verb_volume_snapshot_create,
	&verb_volume_snapshot_list,
	&verb_volume_snapshot_rm,
	&verb_volume_rollback,
	&verb_volume_rm,
	&verb_policy_check,
	&verb_network_create,
	&verb_network_list,
	&verb_network_inspect,
	&verb_network_rm,
	&verb_network_check,
	&verb_check,
	&verb_gc,
	&verb_spec,
	&verb_version,
	&verb_help,
	&verb_launch,
	&verb_finish,
	&verb_unit_start,
	&verb_unit_stop,
	&verb_unit_post,
	&verb_boot,
	NULL,
};
/* clang-format on */

const struct option cli_global_options[] = {
	{ .name = "config",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct global_options, config),
	  .value = "FILE",
	  .help = "configuration instead of /etc/jail/jail.json" },
	{ .name = "policy",
	  .type = OPTION_STRING,
	  .offset = offsetof(struct global_options, policy),
	  .value = "FILE",
	  .help = "what a spec may ask for; or \"none\"" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPTION_FLAG,
	  .offset = offsetof(struct global_options, help),
	  .help = "show the usage of a command" },
	OPTION_END,
};

/* Return: words of argv that `name` takes, 0 = it isn't this one. */
static int words_matched(const char *name, int argc, char **argv)
{
	int words = 0;

	while (words < argc) {
		size_t n = strcspn(name, " ");

		if (strlen(argv[words]) != n || memcmp(argv[words], name, n) != 0)
			return 0;
		words++;
		if (!name[n])
			return words;
		name += n + 1;
	}
	return 0;
}

const struct verb *verb_find(int argc, char **argv, int *ret_words)
{
	for (const struct verb *const *v = verbs; *v; v++) {
		int words = words_matched((*v)->name, argc, argv);

		if (!words && (*v)->alias)
			words = words_matched((*v)->alias, argc, argv);
		if (words) {
			*ret_words = words;
			return *v;
		}
	}
	return NULL;
}

/* The words that may follow. Return: how many there are. */
static size_t next_words(const char *group, struct strbuf *ret)
{
	size_t len = strlen(group), n = 0;

	for (const struct verb *const *v = verbs; *v; v++) {
		const char *word = (*v)->name + len + 1;
		int length;

		if (!str_starts((*v)->name, group) || (*v)->name[len] != ' ')
			continue;
		length = (int)strcspn(word, " ");
		/* Those of one group stand together: "volume snapshot create", ... */
		if (v > verbs && str_starts(v[-1]->name, group) && v[-1]->name[len] == ' ' &&
		    strncmp(v[-1]->name + len + 1, word, (size_t)length + 1) == 0)
			continue;
		strbuf_addf(ret, "%s%.*s", n++ ? ", " : "", length, word);
	}
	return n;
}

int verb_group(int argc, char **argv, char ret[static VERB_NAME_MAX])
{
	int words = 0;

	ret[0] = '\0';
	for (int i = 0; i < argc; i++) {
		CLEANUP_STRBUF struct strbuf ignored = STRBUF_INIT;
		char more[VERB_NAME_MAX];

		if (str_format(more, sizeof(more), "%s%s%s", ret, i ? " " : "", argv[i]) < 0 ||
		    next_words(more, &ignored) == 0)
			break;
		memcpy(ret, more, sizeof(more));
		words++;
	}
	return words;
}

int verb_unknown(int argc, char **argv, struct err *e)
{
	CLEANUP_STRBUF struct strbuf next = STRBUF_INIT;
	const char *words[ARRAY_SIZE(verbs)], *given = argv[0];
	char group[VERB_NAME_MAX], all[128];
	int in_group = verb_group(argc, argv, group), nearest;
	size_t n = 0;

	if (in_group && argc == in_group) {
		(void)next_words(group, &next);
		(void)err_set(e, EINVAL, "\"%s\" needs a %s word", group,
			      in_group == 1 ? "second" : "third");
		return err_hint(e, "one of: %s", strbuf_str(&next));
	}
	if (in_group && str_format(all, sizeof(all), "%s %s", group, argv[in_group]) >= 0)
		given = all;
	for (const struct verb *const *v = verbs; *v; v++)
		if (!((*v)->flags & VERB_HIDDEN))
			words[n++] = (*v)->name;
	nearest = ident_nearest(given, words, n);
	(void)err_set(e, EINVAL, "unknown command \"%s\"", given);
	if (nearest >= 0)
		return err_hint(e, "did you mean \"jail %s\"?", words[nearest]);
	return err_hint(e, "\"jail help\" lists the commands");
}
