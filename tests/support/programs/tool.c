/* A program that does what its first word says: what a test wants to see of a start. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer(int port, const char *words)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listening = socket(AF_INET, SOCK_STREAM, 0), again = 1;
	char asked[4096];
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
	sleep(1); /* it takes a while to be ready */
	if (bind(listening, (struct sockaddr *)&at, sizeof at) || listen(listening, 8))
		return 9;
	for (;;) {
		int caller = accept(listening, NULL, NULL);
		if (read(caller, asked, sizeof asked) > 0)
			write(caller, words, strlen(words));
		close(caller);
	}
}

static int show(const char *path)
{
	char piece[4096];
	int file = open(path, O_RDONLY);
	if (file < 0)
		return 9;
	for (ssize_t size; (size = read(file, piece, sizeof piece)) > 0;)
		write(1, piece, size);
	return 0;
}

static int list(const char *path)
{
	DIR *folder = opendir(path);
	if (!folder)
		return 9;
	for (struct dirent *entry; (entry = readdir(folder));)
		puts(entry->d_name);
	return 0;
}

static int put(const char *path)
{
	static char much[1 << 16];
	int file = open(path, O_WRONLY | O_CREAT, 0644);
	return file < 0 || write(file, much, sizeof much) != sizeof much ? 9 : 0;
}

/* Writes to a file without end, and says how many MiB there was room for. */
static int fill(const char *path)
{
	static char mebibyte[1 << 20];
	int file = open(path, O_CREAT | O_WRONLY, 0600), written = 0;

	memset(mebibyte, 1, sizeof mebibyte);
	while (written < 1024 && write(file, mebibyte, sizeof mebibyte) == sizeof mebibyte)
		written++;
	return !printf("%d\n", written);
}

int main(int count, char **words)
{
	const char *what = count > 1 ? words[1] : "exit", *with = count > 2 ? words[2] : "0";
	if (!strcmp(what, "exit"))
		return atoi(with);
	if (!strcmp(what, "leads"))
		return getsid(0) == getpid() ? 0 : 9;
	if (!strcmp(what, "abort"))
		abort();
	if (!strcmp(what, "crash"))
		return *(volatile int *)8;
	if (!strcmp(what, "show"))
		return show(with);
	if (!strcmp(what, "list"))
		return list(with);
	if (!strcmp(what, "put"))
		return put(with);
	if (!strcmp(what, "who"))
		return !printf("%d %d:%d %s\n", getpid(), getuid(), getgid(), getenv(with) ?: "");
	if (!strcmp(what, "run"))
		return execv(with, words + 2);
	if (!strcmp(what, "tcp"))
		return answer(atoi(with), "");
	if (!strcmp(what, "http"))
		return answer(atoi(with), "HTTP/1.1 204 No Content\r\n\r\n");
	if (!strcmp(what, "ill"))
		return answer(atoi(with), "HTTP/1.1 503 Not Yet\r\n\r\n");
	if (!strcmp(what, "say")) {
		sleep(1);
		fprintf(stderr, "%s\n", with);
	}
	if (!strcmp(what, "loud"))
		for (;;)
			puts("again and again");
	if (!strcmp(what, "eat"))
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	if (!strcmp(what, "fill"))
		return fill(with);
	if (!strcmp(what, "breed"))
		for (;;)
			fork();
	for (;;)
		sleep(60);
}
