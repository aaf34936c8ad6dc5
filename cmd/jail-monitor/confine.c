/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reader may do, and nothing else: read and write what is open; make, rotate and remove
 * files of the log and of the events; signal the one init that it has a pidfd of.
 *
 * The table of fds is the keeper's too, so the filter keeps it from replacing or closing those that
 * the next program gets.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "cmd/jail-monitor/monitor.h"
#include "cmd/tiny/confine.h"
#include "cmd/tiny/filter.h"
#include "runtime/events_proto.h"

#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif

#define LAST_CLIENT (MONITOR_FD_CLIENT + MONITOR_CLIENTS_MAX - 1)
#define ANY_ABOVE INT32_MAX

static const struct sock_filter filter[] = {
	FILTER_BEGIN,
/* Newer architectures have the second of each only. */
#ifdef SYS_poll
	FILTER_ALLOW(SYS_poll),
#endif
	FILTER_ALLOW(SYS_ppoll),
#ifdef SYS_renameat
	FILTER_ALLOW(SYS_renameat),
#endif
	FILTER_ALLOW(SYS_renameat2),
	FILTER_ALLOW(SYS_read),
	FILTER_ALLOW(SYS_write),
	FILTER_ALLOW(SYS_clock_gettime), /* where the vDSO can't */
	FILTER_ALLOW(SYS_recvmsg),
	FILTER_ALLOW(SYS_recvfrom),
	FILTER_ALLOW(SYS_sendmsg),
	FILTER_ALLOW(SYS_sendto),
	FILTER_ALLOW_IF(SYS_madvise, 2, MADV_DONTNEED),
	FILTER_ALLOW(SYS_openat),
	FILTER_ALLOW(SYS_pread64),
	FILTER_ALLOW(SYS_fstat),
	FILTER_ALLOW(SYS_newfstatat),
	FILTER_ALLOW(SYS_ftruncate),
	FILTER_ALLOW(SYS_fdatasync),
	FILTER_ALLOW(SYS_unlinkat),
	FILTER_ALLOW_IF(SYS_fcntl, 1, F_OFD_SETLK),
	FILTER_ALLOW_IF_RANGE(SYS_fcntl, 1, F_DUPFD_CLOEXEC, 2, FD_FIRST_OWN, ANY_ABOVE),
	FILTER_ALLOW_IF_RANGE(SYS_fcntl, 1, F_SETFD, 0, FD_FIRST_OWN, ANY_ABOVE),
	FILTER_ALLOW_RANGE(SYS_close, 0, MONITOR_FD_CLIENT, LAST_CLIENT),
	FILTER_ALLOW_RANGE(SYS_close, 0, MONITOR_FD_END, ANY_ABOVE),
	FILTER_ALLOW_IF(SYS_dup3, 1, MONITOR_FD_IN),
	FILTER_ALLOW_IF(SYS_dup3, 1, MONITOR_FD_READY),
	FILTER_ALLOW_IF_RANGE(SYS_ioctl, 1, TIOCSWINSZ, 0, MONITOR_FD_OUT, MONITOR_FD_OUT),
	FILTER_ALLOW_IF(SYS_setsockopt, 2, SO_SNDTIMEO),
	FILTER_ALLOW_IF(SYS_pidfd_send_signal, 0, MONITOR_FD_PIDFD),
	FILTER_ALLOW(SYS_rt_sigreturn),
	FILTER_ALLOW(SYS_restart_syscall),
	FILTER_ALLOW(SYS_exit_group),
	FILTER_ALLOW(SYS_exit),
	FILTER_END,
};

static bool restrict_paths(void)
{
	const uint64_t files =
		CONFINE_READ | CONFINE_WRITE | CONFINE_TRUNCATE | CONFINE_MAKE | CONFINE_REMOVE;
	/* Missing, nobody keeps events. */
	CLEANUP_FD int events = openat(MONITOR_FD_LOG, EVENTS_FROM_INSTANCE,
				       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct confine_path paths[] = {
		{ MONITOR_FD_LOG, files },
		{ MONITOR_FD_RUN, CONFINE_REMOVE },
		{ MONITOR_FD_CGROUP, CONFINE_READ },
		{ events, files },
	};

	return confine_paths(paths, ARRAY_SIZE(paths), CONFINE_NO_TCP);
}

bool reader_confine(void)
{
	return confine_no_more() && restrict_paths() &&
	       confine_capabilities(UINT64_C(1) << CAP_KILL) &&
	       confine_calls(filter, ARRAY_SIZE(filter));
}
