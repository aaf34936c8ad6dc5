/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request helper for rtnetlink and nfnetlink. libmnl lays out the attributes; the buffer, the
 * bounds and the bookkeeping of answers are here. Messages are numbered on from nl->seq, so an
 * answer that is left over from an earlier exchange can't be taken for one of this.
 */
#include "netsetup/nl_priv.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "base/str.h"

#define NL_ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */
#define NL_RECEIVE_SIZE 32768 /* the most that the kernel puts into one part of a dump */

static int nl_set_option(int fd, int option, struct err *e)
{
	int one = 1;

	if (setsockopt(fd, SOL_NETLINK, option, &one, sizeof(one)) < 0)
		return err_sys(e, "set netlink socket option %d", option);
	return 0;
}

int nl_open(int bus, struct nl *ret, struct err *e)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	CLEANUP_FD int fd = -EBADF;
	int r;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);
	if (fd < 0)
		return err_sys(e, "open netlink socket %d", bus);
	/* A connected netlink socket refuses messages from other processes. */
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_sys(e, "connect netlink socket to the kernel");
	r = nl_set_option(fd, NETLINK_EXT_ACK, e);
	if (r >= 0)
		r = nl_set_option(fd, NETLINK_CAP_ACK, e);
	if (r >= 0)
		r = nl_set_option(fd, NETLINK_GET_STRICT_CHK, e);
	if (r < 0)
		return r;
	*ret = (struct nl){ .fd = TAKE_FD(fd), .seq = 1 };
	return 0;
}

void nl_close(struct nl *nl)
{
	fd_reset(&nl->fd);
}

void nl_batch_reserve(struct nl_batch *b, size_t bytes)
{
	b->data = malloc(bytes);
	b->cap = bytes;
	if (!b->data)
		b->failed = true;
}

void nl_batch_free(struct nl_batch *b)
{
	free(TAKE_PTR(b->data));
	free(TAKE_PTR(b->messages));
}

static struct nlmsghdr *nl_current(const struct nl_batch *b)
{
	return (struct nlmsghdr *)(void *)(b->data + b->start);
}

static size_t nl_room(const struct nl_batch *b)
{
	return b->cap - b->start;
}

/* The finished messages end where the one being built does. */
static size_t nl_end(const struct nl_batch *b)
{
	return b->n == 0 ? 0 : b->start + NLMSG_ALIGN(nl_current(b)->nlmsg_len);
}

static bool nl_has_message_room(struct nl_batch *b)
{
	unsigned room = b->room ? 2 * b->room : 32;
	struct nl_message *bigger;

	if (b->n < b->room)
		return true;
	if (b->n >= NL_BATCH_MESSAGES)
		return false;
	bigger = reallocarray(b->messages, room, sizeof(*bigger));
	if (!bigger)
		return false;
	b->messages = bigger;
	b->room = room;
	return true;
}

void *nl_begin(struct nl_batch *b, int type, int flags, size_t extra, const char *what)
{
	size_t start, header = MNL_NLMSG_HDRLEN + MNL_ALIGN(extra);
	struct nlmsghdr *nlh;

	start = b->failed ? 0 : nl_end(b);
	if (b->failed || start + header > b->cap || !nl_has_message_room(b)) {
		b->failed = true;
		return memset(b->spill, 0, sizeof(b->spill));
	}
	b->start = start;
	nlh = mnl_nlmsg_put_header(b->data + start);
	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	b->messages[b->n++] = (struct nl_message){
		.what = what,
		.fixed = extra,
		.acked = (flags & NLM_F_ACK) || (flags & NLM_F_DUMP) == NLM_F_DUMP,
	};
	return extra == 0 ? b->spill : mnl_nlmsg_put_extra_header(nlh, extra);
}

void nl_allow(struct nl_batch *b, nl_fine_fn *fine)
{
	if (!b->failed)
		b->messages[b->n - 1].fine = fine;
}

struct nlmsghdr *nl_message_room(struct nl_batch *b, size_t room)
{
	if (b->failed || nl_end(b) + room > b->cap) {
		b->failed = true;
		return NULL;
	}
	return nl_current(b);
}

void nl_put(struct nl_batch *b, int type, const void *data, size_t n)
{
	if (!b->failed && !mnl_attr_put_check(nl_current(b), nl_room(b), (uint16_t)type, n, data))
		b->failed = true;
	/* libmnl leaves what the heap had there. */
	if (!b->failed)
		memset(b->data + nl_end(b) - (MNL_ALIGN(n) - n), 0, MNL_ALIGN(n) - n);
}

void nl_put_u8(struct nl_batch *b, int type, uint8_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_u16(struct nl_batch *b, int type, uint16_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_u32(struct nl_batch *b, int type, uint32_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_str(struct nl_batch *b, int type, const char *value)
{
	nl_put(b, type, value, strlen(value) + 1);
}

size_t nl_nest(struct nl_batch *b, int type)
{
	struct nlattr *nest;

	if (b->failed)
		return 0;
	nest = mnl_attr_nest_start_check(nl_current(b), nl_room(b), (uint16_t)type);
	if (!nest) {
		b->failed = true;
		return 0;
	}
	return (size_t)((char *)nest - b->data);
}

void nl_nest_end(struct nl_batch *b, size_t nest)
{
	if (b->failed)
		return;
	/* An attribute's length has 16 bits; the kernel would see it cut. */
	if (nl_end(b) - nest > UINT16_MAX) {
		b->failed = true;
		return;
	}
	mnl_attr_nest_end(nl_current(b), (struct nlattr *)(void *)(b->data + nest));
}

void *nl_put_raw(struct nl_batch *b, size_t n)
{
	char *raw;

	if (b->failed || n > NL_EXTRA_MAX || nl_end(b) + MNL_ALIGN(n) > b->cap) {
		b->failed = true;
		return memset(b->spill, 0, sizeof(b->spill));
	}
	raw = b->data + nl_end(b);
	memset(raw, 0, MNL_ALIGN(n));
	nl_current(b)->nlmsg_len += (uint32_t)MNL_ALIGN(n);
	return raw;
}

/* Numbers the messages; they were built without, because a batch doesn't know its socket. */
static void nl_number(struct nl *nl, struct nl_batch *b)
{
	size_t at = 0;
	unsigned i;

	for (i = 0; i < b->n; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(b->data + at);

		nlh->nlmsg_seq = nl->seq + i;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
		b->messages[i].answered = false;
		b->messages[i].result = 0;
	}
	b->kernel_text[0] = '\0';
}

static int nl_keep_attribute(const struct nlattr *attr, void *arg)
{
	struct nl_batch *b = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		(void)nl_text(attr, b->kernel_text, sizeof(b->kernel_text));
	return MNL_CB_OK;
}

/* The kernel's own words, when it has any, follow the error's header as attributes. */
static void nl_keep_kernel_text(struct nl_batch *b, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*error);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || b->kernel_text[0] ||
	    mnl_nlmsg_get_payload_len(nlh) < skip)
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += MNL_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	if (skip < mnl_nlmsg_get_payload_len(nlh))
		(void)mnl_attr_parse(nlh, (unsigned)skip, nl_keep_attribute, b);
}

static void nl_note_result(struct nl_batch *b, struct nl_message *m, const struct nlmsghdr *nlh)
{
	int result;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(int))
		return;
	/* Error and end of dump both begin with it. */
	result = *(const int *)mnl_nlmsg_get_payload(nlh);
	if (result < -NL_ERRNO_MAX)
		result = -EPROTO;
	m->answered = true;
	if (m->result == 0)
		m->result = result;
	if (result < 0 && nlh->nlmsg_type == NLMSG_ERROR)
		nl_keep_kernel_text(b, nlh);
}

static int nl_take_part(struct nl *nl, struct nl_batch *b, const struct nlmsghdr *nlh,
			nl_reply_fn *reply, void *arg)
{
	unsigned index = nlh->nlmsg_seq - nl->seq;
	int r = 0;

	if (index >= b->n)
		return 0; /* of an earlier exchange */
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
		nl_note_result(b, &b->messages[index], nlh);
	else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE &&
		 mnl_nlmsg_get_payload_len(nlh) < b->messages[index].fixed)
		r = -EPROTO;
	else if (reply && nlh->nlmsg_type >= NLMSG_MIN_TYPE)
		r = reply(nlh, index, arg);
	return r == 0 && (nlh->nlmsg_flags & NLM_F_DUMP_INTR) ? -EINTR : r;
}

static bool nl_complete(const struct nl_batch *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->messages[i].acked && !b->messages[i].answered)
			return false;
	return true;
}

static bool nl_any_failed(const struct nl_batch *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->messages[i].result < 0)
			return true;
	return false;
}

/* mnl_nlmsg_ok() compares as int (libmnl 1.0.4), so that 4 GB fit into anything. */
static bool nl_is_message(const struct nlmsghdr *nlh, int left)
{
	return mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (unsigned)left;
}

/* To the end, also when something fails: the next dump on a socket whose last one wasn't read whole
 * is refused (-EBUSY). The first failure counts, and any goes before an interruption. */
static int nl_receive(struct nl *nl, struct nl_batch *b, nl_reply_fn *reply, void *arg)
{
	_Alignas(struct nlmsghdr) char part[NL_RECEIVE_SIZE];
	int failure = 0;

	while (!nl_complete(b)) {
		const struct nlmsghdr *nlh = (const void *)part;
		ssize_t got = recv(nl->fd, part, sizeof(part), MSG_DONTWAIT | MSG_TRUNC);
		int left = (int)got, r;

		if (got < 0 && errno == EINTR)
			continue;
		/* A refused transaction answers for its head, and not always for the rest. */
		if (got < 0 && errno == EAGAIN)
			return failure || nl_any_failed(b) ? failure : -EPROTO;
		if (got < 0)
			return -errno;
		if ((size_t)got > sizeof(part))
			return -EMSGSIZE;
		for (; nl_is_message(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			bool failed = failure && failure != -EINTR;

			r = nl_take_part(nl, b, nlh, failed ? NULL : reply, arg);
			if (r < 0 && !failed)
				failure = r;
		}
	}
	return failure;
}

int nl_exchange(struct nl *nl, struct nl_batch *b, nl_reply_fn *reply, void *arg, struct err *e)
{
	ssize_t sent;
	int r;

	if (b->failed)
		return err_set(e, b->data ? EMSGSIZE : ENOMEM, "netlink: message does not fit");
	if (b->n == 0)
		return 0;
	nl_number(nl, b);
	do
		sent = send(nl->fd, b->data, nl_end(b), 0);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_sys(e, "netlink: %s: send", b->messages[0].what);
	r = nl_receive(nl, b, reply, arg);
	nl->seq += b->n;
	if (r == -EINTR)
		return r;
	return r < 0 ? err_ret(e, r, "netlink: %s: receive", b->messages[0].what) : 0;
}

int nl_check(const struct nl_batch *b, unsigned index, struct err *e)
{
	const struct nl_message *m = &b->messages[index];

	if (m->result >= 0 || (m->fine && m->fine(m->result)))
		return 0;
	if (b->kernel_text[0])
		return err_ret(e, m->result, "%s (kernel: %s)", m->what, b->kernel_text);
	return err_ret(e, m->result, "%s", m->what);
}

int nl_run(struct nl *nl, struct nl_batch *b, nl_reply_fn *reply, void *arg, struct err *e)
{
	unsigned i;
	int r;

	r = nl_exchange(nl, b, reply, arg, e);
	if (r == -EINTR)
		return err_ret(e, r, "netlink: %s: interrupted", b->messages[0].what);
	for (i = 0; r >= 0 && i < b->n; i++)
		r = nl_check(b, i, e);
	return r;
}
