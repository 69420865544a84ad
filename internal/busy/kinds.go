package busy

import (
	"os"
	"syscall"

	"github.com/backlist/backlist/internal/work"
)

// The releases of the invented shop: the load starts with the older one and deploys the newer one.
const (
	olderRelease = "v41"
	newerRelease = "v42"
)

const (
	pausedQueue  = "distributor"
	drainedQueue = "shelves"
)

// queues returns the queues of the workers that take most jobs, with their slots.
func queues() map[string]int {
	return map[string]int{
		"orders": 4, "billing": 4, "webhooks": 6, "covers": 6, "search": 4, "index": 1, "stock": 2, "reports": 2, pausedQueue: 2,
	}
}

// dyingQueues are those of the worker that is killed now and then: few slots, and the imports, one of which kills it.
func dyingQueues() map[string]int {
	return map[string]int{"imports": 2, "orders": 1, "billing": 2, "webhooks": 1}
}

// allQueues are the load's queues, by name.
func allQueues() []string {
	names := []string{"imports", drainedQueue, "archive"}
	for name := range queues() {
		names = append(names, name)
	}
	return names
}

// allKinds are the load's kinds.
func allKinds() []string {
	return []string{
		fulfilOrder{}.Kind(), printLabel{}.Kind(), archiveOrder{}.Kind(), sendInvoice{}.Kind(), chargeCard{}.Kind(),
		deliverWebhook{}.Kind(), indexBook{}.Kind(), resizeCover{}.Kind(), repriceTitle{}.Kind(), importFeed{}.Kind(),
		translateBlurb{}.Kind(), syncStock{}.Kind(), reorderTitle{}.Kind(), nightlyReport{}.Kind(), countShelf{}.Kind(),
	}
}

// register adds the kinds that a worker of the shop knows. Only a worker that imports knows the kind that may kill it.
func (s *shop) register(imports bool) *work.Workers {
	workers := work.NewWorkers()
	work.AddWorker(workers, &fulfilOrderWorker{shop: s})
	work.AddWorker(workers, &printLabelWorker{})
	work.AddWorker(workers, &archiveOrderWorker{})
	work.AddWorker(workers, &sendInvoiceWorker{shop: s})
	work.AddWorker(workers, &chargeCardWorker{})
	work.AddWorker(workers, &deliverWebhookWorker{})
	work.AddBrief(workers, &indexBookWorker{}, work.Brief{})
	work.AddWorker(workers, &resizeCoverWorker{})
	work.AddWorker(workers, &repriceTitleWorker{})
	work.AddWorker(workers, &syncStockWorker{shop: s})
	work.AddWorker(workers, &reorderTitleWorker{})
	work.AddWorker(workers, &nightlyReportWorker{shop: s})
	work.AddWorker(workers, &countShelfWorker{})
	if imports {
		work.AddWorker(workers, &importFeedWorker{kill: func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }})
	}
	return workers
}
