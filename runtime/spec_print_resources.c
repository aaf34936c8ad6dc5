/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spec's "resources" as JSON: what is set, in the schema's order. */
#include "runtime/spec_priv.h"

static void out_cpus(struct json_out *o, const char *key, uint64_t millis)
{
	char text[32];
	int n = str_format(text, sizeof(text), "%llu.%03llu", (unsigned long long)(millis / 1000),
			   (unsigned long long)(millis % 1000));

	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '.')
		text[n - 1] = '\0';
	json_out_str(o, key, text);
}

static void print_cpu(const struct jail_spec *s, struct spec_section *all)
{
	const struct cgroup_limits *l = &s->limits;
	struct spec_section cpu = { all->o, "cpu", false, all };

	if (l->has_cpu_weight)
		json_out_u64(spec_in(&cpu), "weight", l->cpu_weight);
	if (l->has_cpu_max)
		out_cpus(spec_in(&cpu), "max", l->cpu_max_millis);
	if (l->has_cpu_burst)
		out_cpus(spec_in(&cpu), "burst", l->cpu_burst_millis);
	if (s->cpus)
		json_out_str(spec_in(&cpu), "cpus", s->cpus);
	if (s->mems)
		json_out_str(spec_in(&cpu), "mems", s->mems);
	if (l->cpu_idle)
		json_out_bool(spec_in(&cpu), "idle", true);
	spec_section_end(&cpu);
}

static void print_memory(const struct jail_spec *s, struct spec_section *all)
{
	const struct cgroup_limits *l = &s->limits;
	const struct {
		bool given;
		const char *key;
		uint64_t value;
	} sizes[] = {
		{ l->has_memory_max, "max", l->memory_max },
		{ l->has_memory_high, "high", l->memory_high },
		{ l->has_memory_low, "low", l->memory_low },
		{ l->has_memory_min, "min", l->memory_min },
		{ l->has_swap_max, "swapMax", l->swap_max },
		{ l->has_zswap_max, "zswapMax", l->zswap_max },
	};
	struct spec_section memory = { all->o, "memory", false, all };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (sizes[i].given)
			spec_out_size(spec_in(&memory), sizes[i].key, sizes[i].value);
	if (l->oom_group)
		json_out_bool(spec_in(&memory), "oomGroup", true);
	spec_section_end(&memory);
}

static void print_io(const struct jail_spec *s, struct spec_section *all)
{
	struct json_out *o = all->o;

	if (s->limits.n_io == 0)
		return;
	json_out_array(spec_in(all), "io");
	for (size_t i = 0; i < s->limits.n_io; i++) {
		const struct cgroup_io_limit *io = &s->io[i];

		json_out_object(o, NULL);
		json_out_str(o, "device", io->device);
		if (io->rbps)
			spec_out_size(o, "readBps", io->rbps);
		if (io->wbps)
			spec_out_size(o, "writeBps", io->wbps);
		if (io->riops)
			json_out_u64(o, "readIops", io->riops);
		if (io->wiops)
			json_out_u64(o, "writeIops", io->wiops);
		if (io->weight)
			json_out_u64(o, "weight", io->weight);
		json_out_object_end(o);
	}
	json_out_array_end(o);
}

static void print_pids(const struct jail_spec *s, struct spec_section *all)
{
	struct json_out *o = all->o;

	if (!s->limits.has_pids_max)
		return;
	json_out_object(spec_in(all), "pids");
	if (s->limits.pids_max == UINT64_MAX)
		json_out_str(o, "max", "max");
	else
		json_out_u64(o, "max", s->limits.pids_max);
	json_out_object_end(o);
}

static void print_disk(const struct jail_spec *s, struct spec_section *all)
{
	struct spec_section disk = { all->o, "disk", false, all };

	if (s->disk.size_bytes)
		spec_out_size(spec_in(&disk), "size", s->disk.size_bytes);
	if (s->disk.inodes)
		json_out_u64(spec_in(&disk), "inodes", s->disk.inodes);
	spec_section_end(&disk);
}

static void print_huge(const struct jail_spec *s, struct spec_section *all)
{
	struct spec_section huge = { all->o, "hugepages", false, all };

	for (size_t i = 0; i < CGROUP_HUGE_SIZES; i++)
		if (s->limits.huge[i].given)
			json_out_u64(spec_in(&huge), cgroup_huge_sizes[i].name,
				     s->limits.huge[i].pages);
	spec_section_end(&huge);
}

void spec_print_resources(const struct jail_spec *s, struct json_out *o)
{
	struct spec_section all = { o, "resources", false, NULL };
	struct spec_section unified = { o, "unified", false, &all };

	print_cpu(s, &all);
	print_memory(s, &all);
	print_io(s, &all);
	print_pids(s, &all);
	print_disk(s, &all);
	print_huge(s, &all);
	for (size_t i = 0; i < s->limits.n_raw; i++)
		json_out_str(spec_in(&unified), s->raw[i].file, s->raw[i].value);
	spec_section_end(&unified);
	spec_section_end(&all);
}
