/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How snapshots and differences are shown. */
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cmd/jail/snapshot.h"

void snapshot_members(struct json_out *o, const struct snapshot *s)
{
	char created[CLOCK_TEXT_MAX];

	clock_format(s->created_ms, created, sizeof(created));
	json_out_str(o, "name", s->name.s);
	json_out_str(o, "created", created);
	json_out_u64(o, "createdMs", s->created_ms);
	if (s->frozen)
		json_out_milli(o, "frozenMs", s->frozen_us);
	else
		json_out_null(o, "frozenMs");
}

void snapshot_to_json(struct json_out *o, const struct snapshot_view *v)
{
	json_out_object(o, NULL);
	snapshot_members(o, v->s);
	if (v->parent)
		json_out_str(o, "parent", v->parent->name.s);
	else
		json_out_null(o, "parent");
	json_out_bool(o, "current", v->current);
	json_out_bool(o, "copied", v->s->copied);
	json_out_array(o, "schedules");
	for (size_t i = 0; i < v->s->n_schedules; i++)
		json_out_str(o, NULL, v->s->schedules[i].s);
	json_out_array_end(o);
	json_out_object_end(o);
}

void snapshot_frozen_text(const struct snapshot *s, char ret[static SNAPSHOT_FROZEN_MAX])
{
	if (!s->frozen)
		(void)str_format(ret, SNAPSHOT_FROZEN_MAX, "-");
	else
		(void)str_format(ret, SNAPSHOT_FROZEN_MAX, "%" PRIu64 ".%" PRIu64 "ms",
				 s->frozen_us / 1000, s->frozen_us % 1000 / 100);
}

struct printing {
	bool json;
	struct json_out out;
};

static const char *type_text(mode_t type)
{
	switch (type) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "character";
	case S_IFBLK:
		return "block";
	default:
		return "file";
	}
}

static int print_one(const struct tree_difference *d, void *arg, struct err *e)
{
	static const struct {
		char letter;
		const char *word;
	} changes[] = {
		[TREE_ADDED] = { 'A', "added" },
		[TREE_CHANGED] = { 'C', "changed" },
		[TREE_DELETED] = { 'D', "deleted" },
	};
	CLEANUP_STRBUF struct strbuf text = STRBUF_INIT;
	struct printing *p = arg;

	if (p->json) {
		json_out_object(&p->out, NULL);
		json_out_str(&p->out, "path", d->path);
		json_out_str(&p->out, "change", changes[d->change].word);
		json_out_str(&p->out, "type", type_text(d->type));
		if (d->was != d->type)
			json_out_str(&p->out, "was", type_text(d->was));
		json_out_object_end(&p->out);
		return strbuf_ok(p->out.b, e);
	}
	text_escape(&text, d->path, strlen(d->path), true);
	(void)printf("%c %s\n", changes[d->change].letter, strbuf_str(&text));
	return strbuf_ok(&text, e);
}

int diff_print(struct cli *c, const struct jail_name *instance, const struct jail_name *from,
	       const struct jail_name *to, bool json, struct err *e)
{
	CLEANUP_STRBUF struct strbuf b = { .max = SIZE_MAX };
	struct printing p = { .json = json };
	int r;

	json_out_init(&p.out, &b, true);
	json_out_array(&p.out, NULL);
	r = instance_diff(c->jail, instance, from, to, print_one, &p, e);
	json_out_array_end(&p.out);
	return r < 0 || !json ? r : cli_print_json(&b, e);
}
