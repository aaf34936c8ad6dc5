/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.resources: what is a list of devices, page sizes or files. */
#include <inttypes.h>

#include "base/str.h"
#include "runtime/oci/resources_priv.h"

#define BLOCK_WEIGHT_MIN 10
#define BLOCK_WEIGHT_MAX 1000
#define BFQ_FILE "io.bfq.weight"
#define WEIGHT_FILE "io.weight"

uint64_t oci_block_weight(uint16_t weight)
{
	return 1 + (uint64_t)(weight - BLOCK_WEIGHT_MIN) * 9999 / 990;
}

/* The BFQ scheduler has v1's scale, the cost model its own. */
static int add_weight(struct cgroup_settings *s, const char *key, const char *device,
		      uint64_t weight, bool bfq, struct err *e)
{
	struct cgroup_setting one;
	char text[64];

	if (weight < BLOCK_WEIGHT_MIN || weight > BLOCK_WEIGHT_MAX)
		return err_set(e, ERANGE, "%s: %" PRIu64 " is not between %d and %d", key, weight,
			       BLOCK_WEIGHT_MIN, BLOCK_WEIGHT_MAX);
	(void)snprintf(text, sizeof(text), "%s%s%" PRIu64, device, *device ? " " : "",
		       bfq ? weight : oci_block_weight((uint16_t)weight));
	cgroup_setting_init(&one, key, bfq ? BFQ_FILE : WEIGHT_FILE);
	cgroup_setting_raw(&one, text);
	return cgroup_settings_add(s, &one, e);
}

/* 0: no limit. */
static int add_rates(struct cgroup_settings *s, const char *name, const char *word,
		     const struct oci_block_devices *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct oci_block_device *d = &list->v[i];
		char key[128], text[96], rate[24] = "max";
		struct cgroup_setting one;

		if (d->value)
			(void)snprintf(rate, sizeof(rate), "%" PRIu64, d->value);
		(void)snprintf(key, sizeof(key), "linux.resources.blockIO.%s[%zu]", name, i);
		(void)snprintf(text, sizeof(text), "%u:%u %s=%s", d->major, d->minor, word, rate);
		cgroup_setting_init(&one, key, "io.max");
		cgroup_setting_raw(&one, text);
		if (cgroup_settings_add(s, &one, e) < 0)
			return -e->code;
	}
	return 0;
}

int resources_block_io(const struct oci_resources *r, const struct oci_resource_facts *facts,
		       struct cgroup_settings *s, struct err *e)
{
	const struct {
		const char *name, *word;
		const struct oci_block_devices *list;
	} rates[] = {
		{ "throttleReadBpsDevice", "rbps", &r->block_io.read_bps },
		{ "throttleWriteBpsDevice", "wbps", &r->block_io.write_bps },
		{ "throttleReadIOPSDevice", "riops", &r->block_io.read_iops },
		{ "throttleWriteIOPSDevice", "wiops", &r->block_io.write_iops },
	};
	int ret = 0;

	if (r->block_io.has_leaf_weight && r->block_io.leaf_weight)
		return resources_refuse("blockIO.leafWeight", "cgroup v2 has none", e);
	if (r->block_io.has_weight && r->block_io.weight)
		ret = add_weight(s, "linux.resources.blockIO.weight", "", r->block_io.weight,
				 facts->has_bfq, e);
	for (size_t i = 0; i < r->block_io.weight_device.n && ret >= 0; i++) {
		const struct oci_block_device *d = &r->block_io.weight_device.v[i];
		char key[128], device[32];

		(void)snprintf(key, sizeof(key), "linux.resources.blockIO.weightDevice[%zu]", i);
		(void)snprintf(device, sizeof(device), "%u:%u", d->major, d->minor);
		ret = add_weight(s, key, device, d->value, facts->has_bfq, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rates) && ret >= 0; i++)
		ret = add_rates(s, rates[i].name, rates[i].word, rates[i].list, e);
	return ret;
}

/* The kernel rounds down to whole pages. */
static int add_huge(struct cgroup_settings *s, const char *key, const struct oci_huge_limit *h,
		    const char *suffix, struct err *e)
{
	const struct cgroup_huge_size *size = NULL;
	struct cgroup_setting one;
	char file[CGROUP_FILE_MAX], expect[32];

	for (size_t i = 0; i < CGROUP_HUGE_SIZES; i++) {
		if (str_eq(cgroup_huge_sizes[i].kernel, h->page_size))
			size = &cgroup_huge_sizes[i];
	}
	if (!size)
		return err_set(e, EINVAL, "%s.pageSize: \"%s\" is no size of huge pages", key,
			       h->page_size);
	(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", size->kernel, suffix);
	cgroup_setting_init(&one, key, file);
	if (h->limit > INT64_MAX) {
		cgroup_setting_number(&one, UINT64_MAX);
	} else {
		cgroup_setting_number(&one, h->limit);
		(void)snprintf(expect, sizeof(expect), "%" PRIu64,
			       h->limit / size->bytes * size->bytes);
		memcpy(one.expect, expect, sizeof(expect));
	}
	return cgroup_settings_add(s, &one, e);
}

/* Pages that are reserved by mmap(2) are out of the host's pool before they are used: both are
 * bound (config-linux.md, "Huge page limits"). */
int resources_huge(const struct oci_resources *r, struct cgroup_settings *s, struct err *e)
{
	for (size_t i = 0; i < r->n_huge; i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "linux.resources.hugepageLimits[%zu]", i);
		if (add_huge(s, key, &r->huge[i], "rsvd.max", e) < 0 ||
		    add_huge(s, key, &r->huge[i], "max", e) < 0)
			return -e->code;
	}
	return 0;
}

int resources_rdma(const struct oci_resources *r, struct cgroup_settings *s, struct err *e)
{
	for (size_t i = 0; i < r->n_rdma; i++) {
		const struct oci_rdma_limit *d = &r->rdma[i];
		char key[CGROUP_KEY_MAX], text[96] = "";
		struct cgroup_setting one;
		int n = 0;

		(void)snprintf(key, sizeof(key), "linux.resources.rdma.%.128s", d->device);
		if (strcspn(d->device, " \t\n=") != strlen(d->device))
			return err_set(e, EINVAL, "%s: no name of a device", key);
		if (d->has_handles)
			n = snprintf(text, sizeof(text), "hca_handle=%" PRIu32 " ", d->handles);
		if (d->has_objects)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "hca_object=%" PRIu32 " ",
				      d->objects);
		if (n == 0)
			return err_set(e, EINVAL, "%s: neither hcaHandles nor hcaObjects", key);
		text[n - 1] = '\0';
		cgroup_setting_init(&one, key, "rdma.max");
		one.match = CGROUP_MATCH_DEVICE;
		if (str_format(one.device, sizeof(one.device), "%s", d->device) < 0)
			return err_set(e, ENAMETOOLONG, "%s: name too long", key);
		cgroup_setting_text(&one, text);
		if (cgroup_settings_add(s, &one, e) < 0)
			return -e->code;
	}
	return 0;
}

/* Of the files by which a cgroup is managed, those that limit something. */
static bool is_unified_file(const char *name)
{
	static const char *const limits[] = { "cgroup.max.depth", "cgroup.max.descendants",
					      "cgroup.pressure" };

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (str_eq(name, limits[i]))
			return true;
	}
	return cgroup_raw_is_file(name);
}

/* What was converted for the same file is void. Lines of devices add up, as in the kernel. */
static void drop_file(struct cgroup_settings *s, const char *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!str_eq(s->v[i].file, file) || s->v[i].device[0])
			s->v[kept++] = s->v[i];
	}
	s->n = kept;
}

static int add_unified(struct cgroup_settings *s, const char *file, const char *value,
		       struct err *e)
{
	char key[CGROUP_KEY_MAX], line[CGROUP_VALUE_MAX];

	if (!is_unified_file(file))
		return err_set(e, EINVAL,
			       "linux.resources.unified: \"%.64s\" is not a limit's file", file);
	(void)snprintf(key, sizeof(key), "linux.resources.unified.%s", file);
	while (*value) {
		struct cgroup_setting one;
		size_t n = strcspn(value, "\n");

		if (str_format(line, sizeof(line), "%.*s", (int)n, value) < 0)
			return err_set(e, E2BIG, "%s: too long", key);
		cgroup_setting_init(&one, key, file);
		cgroup_setting_raw(&one, line);
		if (n > 0 && cgroup_settings_add(s, &one, e) < 0)
			return -e->code;
		value += n + (value[n] == '\n');
	}
	return 0;
}

int resources_unified(const struct oci_resources *r, struct cgroup_settings *s, struct err *e)
{
	for (size_t i = 0; i < r->unified.n; i++) {
		if (r->unified.v[i].value[0])
			drop_file(s, r->unified.v[i].key);
	}
	for (size_t i = 0; i < r->unified.n; i++) {
		if (add_unified(s, r->unified.v[i].key, r->unified.v[i].value, e) < 0)
			return -e->code;
	}
	return 0;
}
